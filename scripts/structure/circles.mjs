/** Files that import each other in a circle. */
export function fileCircles(files) {
  const edges = new Map(files.map(({ name, imports }) => [name, imports.files]));
  return circles(edges).map((names) => ({
    kind: 'file-circle',
    where: names.join(' '),
    names,
    message: `${names.join(', ')}: for instance ${wayAround(names, edges).join(' -> ')}`,
  }));
}

/** Folders of one package that import each other in a circle. */
export function folderCircles(files) {
  const graphs = new Map();
  for (const { name, imports } of files) {
    for (const target of imports.files) {
      if (isEntry(name) || isEntry(target) || packageOf(name) !== packageOf(target)) continue;
      const [above, from, to] = sideBySide(name, target);
      if (from === to) continue;
      if (!graphs.has(above)) graphs.set(above, new Map());
      const graph = graphs.get(above);
      for (const node of [from, to]) if (!graph.has(node)) graph.set(node, new Map());
      if (!graph.get(from).has(to)) graph.get(from).set(to, []);
      graph.get(from).get(to).push(`${name} -> ${target}`);
    }
  }
  return [...graphs.values()].flatMap((graph) => {
    const edges = new Map([...graph].map(([from, to]) => [from, new Set(to.keys())]));
    return circles(edges)
      .filter((names) => !names.every(isFile))
      .map((names) => {
        const way = wayAround(names, edges);
        const steps = way.slice(1).map((to, i) => example(graph.get(way[i]).get(to)));
        const message = `${way.join(' -> ')}\n      ${steps.join('\n      ')}`;
        return { kind: 'folder-circle', where: names.join(' '), names, message };
      });
  });
}

/** Packages that import each other in a circle. */
export function packageCircles(files) {
  const edges = new Map();
  for (const { name, imports } of files) {
    if (!/^packages\/[^/]+\/src\//.test(name)) continue;
    const from = packageOf(name);
    if (!edges.has(from)) edges.set(from, new Set());
    for (const to of imports.packages) if (to !== from) edges.get(from).add(to);
  }
  return circles(edges).map((names) => ({
    kind: 'package-circle',
    where: names.join(' '),
    names,
    message: wayAround(names, edges).join(' -> '),
  }));
}

/** One import that makes an edge, and how many more there are. */
function example([first, ...others]) {
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

/** The lowest folder that holds both files, and what each of them belongs to there. */
function sideBySide(a, b) {
  const [folderA, folderB] = [a, b].map((name) => name.split('/').slice(0, -1));
  let depth = 0;
  while (depth < folderA.length && folderA[depth] === folderB[depth]) depth += 1;
  const above = folderA.slice(0, depth).join('/');
  const isHouse = /^(packages|examples)\/[^/]+(\/src)?$|^[^/]+$/.test(above);
  const holder = (name, folder) =>
    depth < folder.length ? `${above}/${folder[depth]}` : isHouse ? name : above;
  return [above, holder(a, folderA), holder(b, folderB)];
}

function isEntry(name) {
  return /^packages\/[^/]+\/src\/index\.ts$/.test(name);
}

function isFile(name) {
  return /\.[a-z]+$/.test(name);
}

function packageOf(name) {
  return name.split('/').slice(0, 2).join('/');
}

/** The strongly connected components of more than one node, by Tarjan's algorithm. */
function circles(edges) {
  const index = new Map();
  const low = new Map();
  const stack = [];
  const found = [];
  const connect = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of edges.get(node) ?? []) {
      if (!index.has(next)) {
        connect(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (stack.includes(next)) {
        low.set(node, Math.min(low.get(node), index.get(next)));
      }
    }
    if (low.get(node) !== index.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    if (component.length > 1) found.push(component.sort());
  };
  for (const node of edges.keys()) if (!index.has(node)) connect(node);
  return found;
}

/** A shortest way from the first node of a component back to it. */
function wayAround([start, ...others], edges) {
  const inside = new Set([start, ...others]);
  const before = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const next of edges.get(node) ?? []) {
      if (next === start) {
        const way = [start];
        for (let at = node; at !== start; at = before.get(at)) way.unshift(at);
        return [start, ...way];
      }
      if (inside.has(next) && !before.has(next)) {
        before.set(next, node);
        queue.push(next);
      }
    }
  }
  return [];
}

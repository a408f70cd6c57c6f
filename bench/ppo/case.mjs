/**
 * Takes steps of RLHF, in a process of its own so that its peak of memory is its own:
 *
 *     node bench/ppo/case.mjs ppo|grpo CONFIG.yaml
 *
 * It loads what the command loads. Only the last token of the vocabulary, the rarest one, ends a response, so that nearly each has its
 * full length. The first step, which compiles, is not measured. Prints one line of JSON.
 */
import { loadRlhfConfig, ppo, prepareRlhf } from '@gram/ppo';

const [method, path] = process.argv.slice(2);
const prepared = await prepareRlhf(method, await loadRlhfConfig(path));
const rarest = prepared.run.policy.config.vocabSize - 1;
const seconds = { rollout: 0, scoring: 0, learning: 0 };
let [since, responses, tokens] = [0, 0, 0];
let processor = process.cpuUsage();

/** Adds the time since the last call to a part of the step. */
function spend(part) {
  const now = performance.now();
  seconds[part] += (now - since) / 1000;
  since = now;
}

// A step draws all of its responses, then asks for their rewards, then learns: the calls of the reward part it in three.
const timed = prepared.run.reward.map(({ reward, ...named }) => ({
  ...named,
  async reward(groups, context) {
    spend('rollout');
    responses += groups.flatMap((group) => group.responses).length;
    const given = await reward(groups, context);
    spend('scoring');
    return given;
  },
}));

await ppo({
  ...prepared.run,
  encoder: { prompt: prepared.run.encoder.prompt, endId: rarest },
  stop: {},
  validation: undefined,
  reward: timed,
  onStep({ step, tokens: drawn }) {
    spend('learning');
    tokens += drawn;
    if (step > 1) return;
    for (const part of Object.keys(seconds)) seconds[part] = 0;
    [responses, tokens] = [0, 0];
    since = performance.now();
    processor = process.cpuUsage();
  },
});
const { user, system } = process.cpuUsage(processor);
prepared.dispose();
const peakMemory = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ ...seconds, processor: (user + system) / 1e6, responses, tokens, peakMemory }));

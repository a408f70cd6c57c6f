import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { conversationText } from '@gram/base';
import { rewardModelFromFunction } from '@gram/ranking';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRewardServer, type RewardServer } from './index.js';

const folder = fileURLToPath(new URL('../../../examples/clients/', import.meta.url));
const hasPython = spawnSync('python3', ['--version']).status === 0;

// A judge with a number of its own for each pair: longer is better.
const judge = rewardModelFromFunction((items) =>
  items.map(({ a, b }) => share(conversationText(a), conversationText(b))),
);
let server: RewardServer;
let url: string;
beforeAll(async () => {
  server = createRewardServer(judge, { name: 'longer', reference: 'four' });
  url = await server.listen();
});
afterAll(() => server.close());

/** Runs a program with what it needs of PyTorch, and gives the JSON that it prints. */
// biome-ignore lint/suspicious/noExplicitAny: what a program prints is looked at by its test.
function python(program: string): Promise<any> {
  const torch =
    'import sys, types, json; t = types.ModuleType("torch"); t.float32 = None; t.tensor = lambda x, dtype: x; sys.modules["torch"] = t';
  const child = spawn('python3', ['-c', `${torch}\n${program}`], {
    cwd: folder,
    env: { ...process.env, GRAM_URL: url, PYTHONDONTWRITEBYTECODE: '1' },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  return new Promise((resolve, reject) => {
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(out)) : reject(new Error(err))));
  });
}

const share = (text: string, other: string) => text.length / (text.length + other.length);

// The mean of both orders has another last digit.
const rounded = (numbers: readonly number[]) => numbers.map((number) => Number(number.toFixed(12)));

describe.skipIf(!hasPython)('clients of other trainers', () => {
  it('TRL: conversations, with the responses to a prompt side by side, and columns of the data', async () => {
    const scores = await python(`
from trl_reward import gram_reward
chat = lambda text: [{"role": "user", "content": text}]
said = lambda text: [{"role": "assistant", "content": text}]
print(json.dumps([
  gram_reward(prompts=[chat("p"), chat("p"), chat("q"), chat("q")], completions=[said("a"), said("bb"), said("c"), said("dddd")],
    completion_ids=[[1], [2], [3], [4]], reference=["xx", "xx", "yyy", "yyy"], level=[1, 1, 2, 2], trainer_state=None),
  gram_reward(prompts=["p", "p"], completions=["a", "bb"], reference=["xx", "xx"]),
]))`);
    expect(rounded(scores[1])).toEqual(rounded([share('a', 'xx'), 0.5]));
    expect(scores[0]).toHaveLength(4);
    expect(scores[0][0]).toBeLessThan(scores[0][1]);
    expect(scores[0][2]).toBeLessThan(scores[0][3]);
  });

  it('verl: lists of a batch, with the prompt in extra_info', async () => {
    const scores = await python(`
from verl_reward import compute_score
print(json.dumps(compute_score(data_sources=["own"] * 3, solution_strs=["a", "bb", "ccc"], ground_truths=["xx", "xx", "y"],
  extra_infos=[{"prompt": "p", "index": 0}, {"prompt": "p", "index": 1}, {"prompt": "q", "index": 2}])))`);
    expect(rounded(scores)).toEqual(rounded([share('a', 'xx'), 0.5, share('ccc', 'y')]));
  });

  it('OpenRLHF: queries that begin with their prompts', async () => {
    const { rewards, scores } = await python(`
from openrlhf_reward import reward_func
print(json.dumps(reward_func(queries=["p? a", "p? bb"], prompts=["p? ", "p? "], labels=["xx", "xx"])))`);
    expect(rounded(rewards)).toEqual(rounded([share('a', 'xx'), 0.5]));
    expect(scores).toEqual(rewards);
  });

  it('NeMo Gym: a request to verify, with the items of a response', async () => {
    const answer = await python(`
from nemo_gym_server import verify
print(json.dumps(verify({"responses_create_params": {"input": [{"role": "user", "content": "p"}]},
  "response": {"id": "r", "output": [{"type": "reasoning", "summary": []},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "sevens", "annotations": []}]}]}})))`);
    expect(answer.reward).toBeCloseTo(share('sevens', 'four'), 12);
    expect(answer.response.id).toBe('r');
  });

  it('NeMo Gym: the calls of an agent over HTTP, in its order, and what is wrong as an error', async () => {
    const answers = await python(`
import threading, urllib.error, urllib.request
from nemo_gym_server import Handler, ThreadingHTTPServer
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
def post(path, body):
  request = urllib.request.Request(f"http://127.0.0.1:{server.server_port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
  try:
    with urllib.request.urlopen(request) as answer:
      return [answer.status, json.load(answer)]
  except urllib.error.HTTPError as error:
    return [error.code, None]
row = {"responses_create_params": {"input": "p"}, "reference": "seven"}
said = {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "sevens"}]}]}
import gram_cohorts
answers = [post("/seed_session", row), post("/verify", {**row, "response": said}), post("/verify", {**row, "response": {"output": []}}), post("/tool", {})]
gram_cohorts.URL = "http://127.0.0.1:9"
print(json.dumps([*answers, post("/verify", {**row, "response": said})]))`);
    expect(answers.map(([status]: [number]) => status)).toEqual([200, 200, 422, 404, 502]);
    expect(answers[0][1]).toEqual({});
    expect(answers[1][1].reward).toBeCloseTo(share('sevens', 'seven'), 12);
    expect(answers[1][1].responses_create_params).toEqual({ input: 'p' });
  });

  it('a late score is an error where a trainer has no reward that is missing, and never a 0', async () => {
    const outcome = await python(`
import gram_cohorts, verl_reward
gram_cohorts.cohort_scores = lambda prompt, responses, reference=None: [None] * len(responses)
try:
  verl_reward.compute_score(["own"], ["a"], ["xx"], [{"prompt": "p"}])
except TimeoutError as error:
  print(json.dumps(str(error)))`);
    expect(outcome).toMatch(/1 of 1 scores were not known in time/);
  });
});

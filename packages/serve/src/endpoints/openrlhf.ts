import { type JudgedConversation, judgedPart } from './input/conversations.js';
import { readRendered } from './rendered.js';
import { invalid, type Shapes } from './schemas.js';
import { type Scored, scoreEach, type Work } from './scores.js';

type Request = ReturnType<Shapes['getReward']['parse']>;

/**
 * `POST /get_reward`, as `openrlhf.cli.serve_rm` answers it. A query is a prompt with the response behind it, by default as the
 * chat template of the policy writes both.
 */
export async function getReward({ query, prompts }: Request, work: Work): Promise<object> {
  if (prompts !== undefined && query.length !== prompts.length) {
    throw invalid(`there are ${query.length} queries and ${prompts.length} prompts`);
  }
  const items = await Promise.all(
    query.map((each, index) => readQuery(each, `query[${index}]`, { work, prompt: prompts?.[index] })),
  );
  const scored = await scoreEach(items, work);
  const rewards = scored.map(({ score }) => score);
  return {
    rewards,
    scores: rewards,
    extra_logs: {
      // The client makes a tensor of each and logs its mean.
      truncated: scored.map(({ truncated }) => Number(truncated)),
      neutralized: scored.map(({ neutralized }) => Number(neutralized)),
    },
  };
}

async function readQuery(
  query: Request['query'][number],
  id: string,
  { work, prompt }: { readonly work: Work; readonly prompt: string | undefined },
): Promise<Scored | JudgedConversation> {
  if (typeof query !== 'string') {
    const judged = judgedPart(query);
    if (judged !== undefined) return judged;
    throw invalid(
      `${id} does not end with an answer of the assistant`,
      'send the response as the last message',
    );
  }
  const rendered = await readRendered(query, id, work, prompt);
  if (rendered !== undefined) return rendered;
  if (prompt === undefined) {
    throw invalid(
      `${id} is a plain text, and nothing says where its response begins`,
      'send prompts as well',
    );
  }
  return { prompt, response: query.slice(prompt.length) };
}

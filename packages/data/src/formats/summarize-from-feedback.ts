import { badField, idOf, numberField, optionalText, textField } from '../files/fields.js';
import type { FileRecord } from '../files/records.js';
import { hasFields } from '../format/fits.js';
import type { FormatOf } from '../format/format.js';

/**
 * The comparisons of summarize-from-feedback (Stiennon et al. 2020): two summaries of a post of Reddit, or of an article, and the
 * choice, 0 or 1. The prompt is written as in table 9 of the paper.
 */
export const summarizeFromFeedback: FormatOf<'pair'> = {
  holds: 'pair',
  fields: '{ info: { post, title, subreddit } or { article }, summaries: [{ text }, { text }], choice }',
  fits: (from) => hasFields(from, 'info', 'summaries', 'choice'),
  read(from) {
    const choice = numberField(from, 'choice');
    if (choice !== 0 && choice !== 1) throw badField(from, 'choice', '0 or 1');
    return {
      id: idOf(from),
      prompt: promptOf(from),
      chosen: textField(from, `summaries.${choice}.text`),
      rejected: textField(from, `summaries.${1 - choice}.text`),
    };
  },
};

function promptOf(from: FileRecord): string {
  const article = optionalText(from, 'info.article');
  if (article !== undefined) return `Article: ${article}\n\nTL;DR:`;
  const [subreddit, title] = [optionalText(from, 'info.subreddit'), optionalText(from, 'info.title')];
  return [
    ...(subreddit === undefined ? [] : [`SUBREDDIT: r/${subreddit}`]),
    ...(title === undefined ? [] : [`TITLE: ${title}`]),
    `POST: ${textField(from, 'info.post')}`,
    'TL;DR:',
  ].join('\n\n');
}

import { inspectModel, readCompanions } from '@gram/model';
import { chatLayoutOf, createRenderedReader, type RenderedReader, tokenizerOf } from '@gram/tokenize';

/** Creates the reader of what the chat template of a model writes, from the directory of a model that can be loaded. */
export async function renderedReaderOf(directory: string): Promise<RenderedReader> {
  const [{ gram }, files] = await Promise.all([inspectModel(directory), readCompanions(directory)]);
  const chat = await chatLayoutOf(files, tokenizerOf(files, directory), directory, gram?.chat);
  return createRenderedReader(chat);
}

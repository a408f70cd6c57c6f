import { inspectModel, readCompanions } from '@gram/model';
import {
  chatLayoutOf,
  createChatTemplate,
  createRenderedReader,
  findChatTemplate,
  plainChat,
  type RenderedReader,
  tokenizerOf,
} from '@gram/tokenize';

/** Creates the reader of what the chat template of a model writes, of the directory of a model that can be loaded. */
export async function renderedReaderOf(directory: string): Promise<RenderedReader> {
  const [{ gram }, files] = await Promise.all([inspectModel(directory), readCompanions(directory)]);
  const chat = await chatLayoutOf(files, tokenizerOf(files, directory), directory, gram?.chat);
  if (chat.id === plainChat.id) return createRenderedReader({ chat });
  // Written as the model is asked: see `chatLayoutOf`.
  const variables = { enable_thinking: false };
  const template = createChatTemplate({ ...findChatTemplate(files, directory), variables });
  return createRenderedReader({ chat, template });
}

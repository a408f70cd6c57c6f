import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { modelDirectory } from './__fixtures__/models.js';
import { readChatTemplate } from './read-chat-template.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

describe('readChatTemplate', () => {
  it('finds what published models have', async () => {
    const llama = await readChatTemplate(modelDirectory('llama3_1'));
    expect(llama.specialTokens).toEqual({ bos_token: '<|begin_of_text|>', eos_token: '<|eot_id|>' });
    expect(llama.template).toContain('<|start_header_id|>');
    const qwen = await readChatTemplate(modelDirectory('qwen3'));
    expect(qwen.specialTokens).toEqual({ eos_token: '<|im_end|>', pad_token: '<|endoftext|>' });
    expect(qwen.template).toContain('enable_thinking');
  });

  it('prefers the file to the configuration', async () => {
    write('tokenizer_config.json', { chat_template: 'old', bos_token: { content: '<s>', lstrip: false } });
    expect(await readChatTemplate(folder)).toEqual({ template: 'old', specialTokens: { bos_token: '<s>' } });
    write('chat_template.jinja', 'new\n');
    expect(await readChatTemplate(folder)).toEqual({
      template: 'new\n',
      specialTokens: { bos_token: '<s>' },
    });
    rmSync(join(folder, 'tokenizer_config.json'));
    expect(await readChatTemplate(folder)).toEqual({ template: 'new\n', specialTokens: {} });
  });

  it('takes the default of several templates', async () => {
    const named = (name: string) => ({ name, template: `the ${name}` });
    write('tokenizer_config.json', { chat_template: [named('tool_use'), named('default')] });
    expect((await readChatTemplate(folder)).template).toBe('the default');
    write('tokenizer_config.json', { chat_template: [named('tool_use')] });
    await expect(readChatTemplate(folder)).rejects.toMatchObject({
      code: 'template-broken',
      message: expect.stringContaining('no entry named "default"'),
    });
  });

  it('takes only what the file itself says', async () => {
    write(
      'tokenizer_config.json',
      '{"__proto__": {"chat_template": "x", "bos_token": "<s>"}, "eos_token": null}',
    );
    await expect(readChatTemplate(folder)).rejects.toMatchObject({ code: 'template-missing' });
  });

  it.each<[string, string, unknown]>([
    ['template-missing', 'tokenizer_config.json', {}],
    ['template-missing', 'other.json', {}],
    ['template-broken', 'tokenizer_config.json', '{"chat_template": "x"'],
    ['template-broken', 'tokenizer_config.json', '[]'],
    ['template-broken', 'tokenizer_config.json', { chat_template: 7 }],
    ['template-broken', 'tokenizer_config.json', { chat_template: [{ name: 'default', template: 7 }] }],
    ['template-broken', 'tokenizer_config.json', { chat_template: 'x', bos_token: 7 }],
    ['template-limit', 'tokenizer_config.json', { chat_template: 'x'.repeat(100_001) }],
    ['template-limit', 'chat_template.jinja', 'x'.repeat(100_001)],
  ])('gives %s for %s (%#)', async (code, name, content) => {
    write(name, content);
    await expect(readChatTemplate(folder)).rejects.toMatchObject({
      code,
      message: expect.any(String),
      hint: expect.any(String),
    });
  });

  it('refuses huge files, other bytes than UTF-8 and what is not a file', async () => {
    write('tokenizer_config.json', '');
    truncateSync(join(folder, 'tokenizer_config.json'), 64 * 1024 * 1024);
    await expect(readChatTemplate(folder)).rejects.toMatchObject({ code: 'template-limit' });
    writeFileSync(join(folder, 'tokenizer_config.json'), new Uint8Array([0x7b, 0xff, 0x7d]));
    await expect(readChatTemplate(folder)).rejects.toMatchObject({ code: 'template-broken' });
    rmSync(join(folder, 'tokenizer_config.json'));
    mkdirSync(join(folder, 'chat_template.jinja'));
    await expect(readChatTemplate(folder)).rejects.toMatchObject({ code: 'template-broken' });
  });
});

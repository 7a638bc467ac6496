// Calls to a Docker engine's API, apart from the product's own client: what a test believes must not come from it.

import { request } from 'node:http';

export async function askDocker(socketPath: string, method: string, path: string): Promise<unknown> {
  const text = await send(socketPath, method, path);
  return text.trim() === '' ? null : JSON.parse(text);
}

/** For answers of several JSON values, as events are. */
export const askDockerText = (socketPath: string, path: string): Promise<string> => send(socketPath, 'GET', path);

async function send(socketPath: string, method: string, path: string): Promise<string> {
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request({ socketPath, method, path }, async (answer) => {
      try {
        let text = '';
        for await (const part of answer) text += String(part);
        resolve({ status: answer.statusCode ?? 0, text });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject);
    sent.end();
  });
  if (status >= 400) throw new Error(`Docker answered ${status} to ${method} ${path}: ${text.slice(0, 300)}`);
  return text;
}

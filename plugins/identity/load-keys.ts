/** Where key sets come from: a file, or an issuer's server. */
import { open } from "node:fs/promises";

/** A key set is some kilobytes. */
export const KEY_SET_BYTES_MAX = 512 * 1024;

/** @throws where it cannot be read, or is too large */
export async function readKeyFile(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(KEY_SET_BYTES_MAX + 1));
    if (bytesRead > KEY_SET_BYTES_MAX) throw tooLarge();
    return utf8(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/**
 * No redirects: who may answer for the issuer is what the operator wrote. The time is for the whole answer.
 *
 * @throws where the answer is late, too large, or no answer
 */
export async function fetchKeys(url: string, timeoutMs: number): Promise<string> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const headers = { accept: "application/jwk-set+json, application/json" };
    const response = await fetch(url, { signal, redirect: "error", headers });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`the answer has status ${response.status}`);
    }
    return await textWithin(response, KEY_SET_BYTES_MAX);
  } catch (problem) {
    if (signal.aborted) throw new Error(`no whole answer within ${timeoutMs} ms`);
    throw problem;
  }
}

async function textWithin(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    // Leaving the loop cancels the rest.
    if (length > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return utf8(Buffer.concat(chunks));
}

function tooLarge(): Error {
  return new Error(`the key set has more than ${KEY_SET_BYTES_MAX} bytes`);
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

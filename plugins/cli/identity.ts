/** The identity file of `ipe serve`: read, watched, and in force. */
import { unwatchFile, watchFile } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Logger } from "pino";
import type { FileProblem, Identity } from "../../core/index.ts";
import {
  createIdentities,
  type Identities,
  type IdentityConfig,
  type IdentityDoor,
  readIdentityFile,
} from "../identity/index.ts";
import { Failure } from "./exit.ts";
import { readBytes, textOf } from "./files.ts";
import type { Output } from "./output.ts";
import { parseTestFile } from "./test-file.ts";

/** How often to see whether the file has changed. */
const LOOK_MS = 1_000;

export interface OpenIdentities {
  /** Follows the file: a later version takes the place of this one. */
  at(door: IdentityDoor): Identity;
  stop(): void;
}

/**
 * What the file says, in force and watched, or null without a file. A later version that is broken, or that verifies other kinds
 * of things than the first, is reported, and the one before stays.
 *
 * @throws Failure where the file cannot be read or has mistakes
 */
export async function openIdentities(
  path: string | undefined,
  logger: Logger,
  output: Output,
): Promise<OpenIdentities | null> {
  if (path === undefined) return null;
  const first = readConfig(path);
  let current = await identitiesOf(first, logger);
  const reload = async (): Promise<void> => {
    try {
      const next = readConfig(path);
      if (kindsOf(next) !== kindsOf(first))
        throw new Failure(`\`${path}\` verifies ${kindsOf(next)} now, and did ${kindsOf(first)}: start anew`);
      current = await identitiesOf(next, logger);
      output.message(`\`${path}\` is in force`);
    } catch (problem) {
      output.message(`${(problem as Error).message}\nthe identity file in force stays`);
    }
  };
  const changed = (): void => void reload();
  watchFile(path, { interval: LOOK_MS, persistent: false }, changed);
  return {
    at: (door) => ({
      supplies: (fact) => current.at(door).supplies(fact),
      verify: (request, facts) => current.at(door).verify(request, facts),
    }),
    stop: () => unwatchFile(path, changed),
  };
}

/** Keys are fetched first, so that no request waits for them; what cannot be had is told, and tried again later. */
async function identitiesOf(config: IdentityConfig, logger: Logger): Promise<Identities> {
  const identities = createIdentities(config, {
    onRefusal: (what, why) => logger.info({ what, why }, "a proof of identity was refused"),
    onProblem: (issuer, problem) => logger.warn({ issuer, problem }, "keys of an issuer"),
  });
  await identities.prepare();
  return identities;
}

function readConfig(path: string): IdentityConfig {
  const parsed = parseTestFile(textOf(path), "an identity file");
  const folder = dirname(path);
  const read = !parsed.ok
    ? parsed
    : readIdentityFile(parsed.value, {
        pathOf: (name) => resolve(folder, name),
        bytesOf: (name) => readBytes(resolve(folder, name)),
      });
  if (!read.ok) throw new Failure(read.problems.map((problem) => lineFor(path, problem)).join("\n"));
  return read.config;
}

function lineFor(path: string, { line, column, message }: FileProblem): string {
  return `${path}:${line}:${column}: error: ${message}`;
}

function kindsOf({ issuers, apiKeys, clientCertificate }: IdentityConfig): string {
  const kinds = [
    ...(issuers.length > 0 ? ["tokens"] : []),
    ...(apiKeys === null ? [] : ["keys"]),
    ...(clientCertificate === null ? [] : ["certificates"]),
  ];
  return kinds.join(", ");
}

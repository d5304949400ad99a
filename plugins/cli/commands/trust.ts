/** `ipe keygen`, `ipe sign`, `ipe verify`: who vouches for a bundle. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { isStatementName, type Statement } from "../../../core/index.ts";
import { isDigest } from "../../store/index.ts";
import {
  checkOffer,
  checkSignature,
  generateKeys,
  readSigningKey,
  type SigningKey,
  signStatement,
  timeText,
} from "../../trust/index.ts";
import { loadVersion, signatureBeside } from "../bundles.ts";
import { EXIT_POLICY_ERRORS, EXIT_SUCCESS, Failure } from "../exit.ts";
import { isPolicyText, reason, textOf, writeWhole } from "../files.ts";
import { nameOf, readKeys } from "../in-force/trust-options.ts";
import type { Output } from "../output.ts";

// --- keygen ---

export interface KeygenOptions {
  /** `FILE` gets the private key, `FILE.pub` the public one. */
  readonly output: string;
  readonly json?: boolean;
}

/** Nobody else may read what signs. */
const OWNER_FILE = 0o600;
const PUBLIC_FILE = 0o644;

/** Writes over nothing: a key that is gone cannot sign the next bundle. */
export function keygenCommand({ output: file, json }: KeygenOptions, output: Output): number {
  const publicFile = `${file}.pub`;
  const { privatePem, publicPem, id } = generateKeys();
  writeNew(publicFile, publicPem, PUBLIC_FILE);
  try {
    writeNew(file, privatePem, OWNER_FILE);
  } catch (problem) {
    rmSync(publicFile, { force: true });
    throw problem;
  }
  output.result(
    json === true
      ? JSON.stringify({ id, private_key: file, public_key: publicFile })
      : `key ${id}\n${file}: signs bundles; keep it secret\n${publicFile}: for ipe serve --trust, and wherever bundles are checked`,
  );
  return EXIT_SUCCESS;
}

function writeNew(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { flag: "wx", mode });
  } catch (problem) {
    const exists = (problem as NodeJS.ErrnoException).code === "EEXIST";
    throw new Failure(
      `cannot write \`${file}\`: ${exists ? "it is there already, and no key is written over" : reason(problem)}`,
    );
  }
}

// --- sign ---

export interface SignOptions {
  /** File of the private key. */
  readonly key: string;
  readonly audience: string;
  readonly name?: string;
  /** In place of a bundle that is at hand. */
  readonly digest?: string;
  readonly sequence?: number;
  /** Seconds. */
  readonly validFor: number;
  /** RFC 3339. */
  readonly validFrom?: string;
  readonly output?: string;
  readonly json?: boolean;
}

const MS = 1_000;

export function signCommand(path: string | undefined, options: SignOptions, output: Output): number {
  if ((path === undefined) === (options.digest === undefined))
    throw new Failure("say what to sign: a bundle, or --digest sha256:... of one that is elsewhere");
  const file = options.output ?? (path === undefined ? undefined : `${path}.sig`);
  if (file === undefined)
    throw new Failure("--digest needs -o FILE: there is no bundle beside which to write");
  const name = options.name ?? (path === undefined ? undefined : nameOf(path));
  if (name === undefined)
    throw new Failure("--digest needs --name NAME, which the bundle has at the servers");
  const statement = statementOf(
    path === undefined ? digestOf(options.digest!) : digestAt(path, output),
    name,
    options,
  );
  const text = signStatement(statement, signingKey(options.key));
  writeWhole(file, Buffer.from(`${text}\n`));
  if (options.json === true) output.result(JSON.stringify({ ...form(statement), file }));
  else output.result(`${file}: ${lineOf(statement)}`);
  return EXIT_SUCCESS;
}

function statementOf(digest: string, name: string, options: SignOptions): Omit<Statement, "keyId"> {
  const { audience } = options;
  for (const [option, text] of [["--audience", audience] as const, ["--name", name] as const])
    if (!isStatementName(text))
      throw new Failure(`${option} has 1 to 128 visible characters of ASCII, not \`${text}\``);
  const now = Math.floor(Date.now() / MS);
  const validFrom = options.validFrom === undefined ? 0 : secondsOf(options.validFrom);
  return {
    ...{ digest, name, audience, validFrom, breakGlass: false },
    // Later signatures are higher, with nothing to be remembered between them.
    sequence: options.sequence ?? Date.now(),
    validUntil: Math.max(now, validFrom) + options.validFor,
  };
}

function digestAt(path: string, output: Output): string {
  if (path !== "-" && isPolicyText(path))
    throw new Failure(
      `\`${path}\` is policy text: bundles are signed, ipe build ${path} -o BUNDLE makes one`,
    );
  return loadVersion(path, output).engine.digest;
}

function digestOf(text: string): string {
  if (!isDigest(text)) throw new Failure("--digest takes `sha256:` and 64 hex digits; ipe inspect shows it");
  return text;
}

function secondsOf(text: string): number {
  const seconds = Math.floor(Date.parse(text) / MS);
  if (!/^\d{4}-\d\d-\d\dT/.test(text) || !(seconds > 0))
    throw new Failure(`--valid-from takes a time such as 2026-12-01T08:00:00Z, not \`${text}\``);
  return seconds;
}

function signingKey(file: string): SigningKey {
  try {
    return readSigningKey(textOf(file));
  } catch (problem) {
    if (problem instanceof Failure) throw problem;
    throw new Failure(`--key \`${file}\`: ${(problem as Error).message}`);
  }
}

// --- verify ---

export interface VerifyBundleOptions {
  readonly trust: readonly string[];
  /** Unset: any. */
  readonly audience?: string;
  readonly name?: string;
  /** File of the statement, where it is not beside the bundle. */
  readonly statement?: string;
  readonly json?: boolean;
}

/** Exit code 1: a server with these keys would not take it. */
export function verifyBundleCommand(path: string, options: VerifyBundleOptions, output: Output): number {
  const keys = options.trust.flatMap(readKeys);
  const { digest } = loadVersion(path, output).engine;
  const text =
    options.statement === undefined ? signatureBeside(path).text : textOf(options.statement).trim();
  if (text === null) throw new Failure(`there is no \`${path}.sig\`; --statement FILE names another file`);
  const signed = checkSignature(text, keys);
  const { audience, name } = signed.ok ? signed.statement : { audience: "", name: "" };
  const wanted = { keys, audience: options.audience ?? audience, name: options.name ?? name };
  const checked = checkOffer(
    { statement: text, digest, mark: null, continues: false, now: new Date() },
    wanted,
  );
  if (options.json === true)
    output.result(
      JSON.stringify(
        checked.ok
          ? { ok: true, ...form(checked.statement), key: checked.statement.keyId }
          : { ok: false, digest, problem: checked.error },
      ),
    );
  else if (checked.ok)
    output.result(`good: ${lineOf(checked.statement)}, signed with ${checked.statement.keyId}`);
  else output.message(`refused: ${checked.error}`);
  return checked.ok ? EXIT_SUCCESS : EXIT_POLICY_ERRORS;
}

/** Whether there is a statement to send along. */
export function statementBeside(path: string): string | null {
  return path === "-" || !existsSync(`${path}.sig`) ? null : signatureBeside(path).text;
}

function lineOf({ digest, name, audience, sequence, validUntil }: Omit<Statement, "keyId">): string {
  return `${digest}, ${name} for ${audience}, sequence ${sequence}, valid until ${timeText(validUntil)}`;
}

function form(statement: Omit<Statement, "keyId">): object {
  const { digest, name, audience, sequence, validFrom, validUntil } = statement;
  return {
    ...{ digest, name, audience, sequence },
    ...{ valid_from: validFrom === 0 ? null : timeText(validFrom), valid_until: timeText(validUntil) },
  };
}

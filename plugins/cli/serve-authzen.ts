/** What the command line says about AuthZEN. */
import type { Engine } from "../../core/index.ts";
import {
  type AuthzenConfig,
  type FactSources,
  parseFact,
  parseTokens,
  parseUrl,
  proxyObjectionTo,
  unstatedFacts,
} from "../http/index.ts";
import { Failure } from "./exit.ts";
import { textOf } from "./files.ts";
import type { Output } from "./output.ts";

export interface AuthzenOptions {
  readonly http?: string;
  /** A file with the tokens of those who may ask. */
  readonly authzen?: string;
  readonly authzenUrl?: string;
  readonly authzenFact?: readonly string[];
}

/** What is configured, or undefined where AuthZEN is not asked for. */
export function authzenConfig(options: AuthzenOptions): AuthzenConfig | undefined {
  const { http, authzen, authzenUrl, authzenFact } = options;
  if (authzen === undefined) {
    if (authzenUrl !== undefined || authzenFact !== undefined)
      throw new Failure(
        "--authzen-url and --authzen-fact belong to --authzen TOKEN_FILE, which opens the door",
      );
    return undefined;
  }
  if (http === undefined)
    throw new Failure("--authzen needs a port: say where to listen, --http 127.0.0.1:9192");
  const text = textOf(authzen);
  return {
    tokens: explained(`--authzen \`${authzen}\``, () => parseTokens(text)),
    url: authzenUrl === undefined ? null : explained("--authzen-url", () => parseUrl(authzenUrl)),
    facts: explained("--authzen-fact", () => distinct((authzenFact ?? []).map(parseFact))),
  };
}

/** What the bundle in force cannot have of this port's callers. */
export function remindOfAuthzen(
  engine: Engine,
  { authzen: config, identity }: FactSources,
  output: Output,
): void {
  if (config === undefined) return;
  const unstated = unstatedFacts(engine, config.facts);
  if (unstated.length > 0)
    output.message(
      `note: AuthZEN's callers may not state ${unstated.map((name) => `\`${name}\``).join(", ")}, so policies that ask for it deny them; if you believe your callers, add --authzen-fact ${unstated[0]}=/subject/properties/...`,
    );
  const objection = proxyObjectionTo(engine, identity);
  if (objection !== null) output.message(`note: /forward-auth denies every request: ${objection}`);
}

function distinct<F extends { readonly name: string }>(facts: readonly F[]): readonly F[] {
  const twice = facts.find(({ name }, i) => facts.findIndex((other) => other.name === name) < i);
  if (twice !== undefined) throw new Error(`\`${twice.name}\` is given twice`);
  return facts;
}

function explained<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (problem) {
    throw new Failure(`${option}: ${(problem as Error).message}`);
  }
}

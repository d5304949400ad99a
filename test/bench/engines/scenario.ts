/** What the engines decide about: a policy, requests, and the facts that every engine is given of them. */
import { type NeutralRequest, parseNeutralRequest } from "../../../core/index.ts";

export interface Scenario<Facts> {
  readonly name: string;
  readonly about: string;
  /** Our policy text. */
  readonly policy: string;
  readonly requests: readonly NeutralRequest[];
  /** What a host would write by hand to give another engine its facts; it checks nothing. */
  facts(request: NeutralRequest): Facts;
  /** Tests of attributes that our code runs to decide, in the order of its disassembly (`ipe inspect`). */
  leafTests(facts: Facts): number;
}

/** A request of the JSON form, with an address and the headers that clients send. */
export function requestOf({
  headers = {},
  ...request
}: {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}): NeutralRequest {
  const parsed = parseNeutralRequest(
    JSON.stringify({
      request: {
        host: "api.example.com",
        scheme: "https",
        protocol: "HTTP/1.1",
        headers: {
          ...(request.body === undefined ? {} : { "content-type": "application/json" }),
          "user-agent": "curl/8.5.0",
          accept: "*/*",
          ...headers,
        },
        ...request,
      },
      source: { ip: "10.1.2.3", port: 40_000 },
    }),
  );
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  return parsed.request;
}

/** A header's text; undefined where there is none. */
export function headerOf({ headers }: NeutralRequest, name: string): string | undefined {
  if (typeof headers === "symbol") return undefined;
  const line = headers.find((header) => header.name === name);
  return line === undefined ? undefined : String(line.value);
}

const decoder = new TextDecoder();

/** The body as a value; undefined where it is empty. */
export function bodyOf({ body }: NeutralRequest): unknown {
  return body.kind === "bytes" ? JSON.parse(decoder.decode(body.bytes)) : undefined;
}

/** `ipe serve --trace-endpoint` before a collector that takes OTLP/HTTP. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { folderWith, ipe } from "./ipe.fixture.ts";
import { policy, serve } from "./served.fixture.ts";

interface Span {
  readonly traceId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

async function collector(): Promise<{ url: string; spans: Span[]; text: () => string }> {
  const spans: Span[] = [];
  let all = "";
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    all += body;
    for (const { scopeSpans } of JSON.parse(body).resourceSpans)
      for (const { spans: more } of scopeSpans) spans.push(...more);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`,
    spans,
    text: () => all,
  };
}

test("a span under the request's own, with the decision and nothing of the caller; none where the parent is not sampled", async () => {
  const { url, spans, text } = await collector();
  const served = await serve(folderWith({ "p.ipe": policy("/a") }), [
    ...["--bundle", "p.ipe", "--trace-endpoint", url, "--trace-sample", "0"],
  ]);
  const ask = (path: string, flags: string): Promise<unknown> =>
    fetch(`http://${served.at["http"]}/forward-auth/envoy${path}`, {
      headers: {
        traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-${flags}`,
        authorization: "Bearer s3cret",
      },
    });
  await ask("/a", "01");
  await ask("/b", "01");
  await ask("/a", "00");
  await served.allows("/a");
  expect(await served.stop()).toBe(0);
  const shown = spans.map(({ traceId, parentSpanId, attributes }) => [
    ...[traceId, parentSpanId],
    ...["ipe.decision", "ipe.policy", "ipe.reason", "ipe.host"].map(
      (key) => attributes.find((each) => each.key === key)?.value["stringValue"],
    ),
  ]);
  const parent = ["a".repeat(32), "b".repeat(16)];
  expect(shown).toEqual([
    [...parent, "allow", "P", "satisfied", "envoy-http"],
    [...parent, "deny", undefined, "default", "envoy-http"],
  ]);
  expect(text()).toContain("sha256:");
  expect(text()).not.toContain("s3cret");
}, 30_000);

test.each([
  { words: ["--trace-sample", "1"], says: "belongs to --trace-endpoint" },
  { words: ["--trace-endpoint", "nowhere"], says: "takes a URL" },
  { words: ["--trace-endpoint", "http://127.0.0.1:9/", "--trace-sample", "2"], says: "from 0 to 1" },
])("refused: $words", async ({ words, says }) => {
  const ran = await ipe(folderWith({ "p.ipe": policy("/a") }), [
    ...["serve", "--bundle", "p.ipe", "--http", "127.0.0.1:0", ...words],
  ]);
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(says)]);
});

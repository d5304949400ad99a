/**
 * The plugin in Lua in Kong from its image (`KONG_IMAGE=kong:3.9`, and a Docker that testcontainers finds). What can be tried without
 * the image runs with a real nginx in Kong's place.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileVector } from "../conformance/compile.ts";
import { Counts } from "../conformance/counts.ts";
import { failuresOf } from "../conformance/run.ts";
import { exchange, type HttpResponse } from "../conformance/runtimes/http-client.ts";
import { kongImage } from "../conformance/runtimes/kong-image.ts";
import { loadVectors } from "../conformance/vectors.ts";
import {
  echoed,
  type KongGateway,
  type StartedKong,
  startKong,
  startNginxAsKong,
} from "../kong/image/index.ts";
import { ADMINS, bundleOf, OTHERS } from "../kong/setup.ts";

const IMAGE = process.env["KONG_IMAGE"] ?? "";
const SKIPPED = "skipped: KONG_IMAGE names no image of Kong (set KONG_IMAGE=kong:3.9 where Docker runs)";
const BUNDLE = "/etc/ipe/policy.ipeb";
const LOGGED_MS = 10_000;

const vectors = loadVectors().map(compileVector);

const PRINCIPALS = bundleOf(`policy P:
  requires source.principal == "x"
`);

function ask(gateway: KongGateway, ...headers: string[]): Promise<HttpResponse> {
  const lines = ["GET /orders HTTP/1.1", "host: example.org", ...headers, "connection: close"];
  return exchange(
    gateway.port("plain"),
    Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    gateway.host,
  );
}

/** Lines of a header that the policy sets, as the upstream has them; null where the request did not get there. */
function checked(response: HttpResponse): string[] | null {
  const lines = echoed(response)?.filter(([name]) => name.replaceAll("_", "-") === "x-checked");
  return lines?.map(([name, value]) => `${name}: ${value}`) ?? null;
}

/** What holds of Kong, and of what stands in its place. */
function holds(open: () => Promise<KongGateway>): void {
  let gateway: KongGateway;
  beforeAll(async () => {
    gateway = await open();
  });
  afterAll(() => gateway?.stop());

  test("allows and denies", async () => {
    expect(await gateway.load({ bundle: ADMINS })).toBe(null);
    const allowed = await ask(gateway, "x-role: admin");
    expect([allowed.status, checked(allowed)]).toEqual([200, ["x-checked: yes"]]);
    const denied = await ask(gateway, "x-role: guest");
    expect([denied.status, denied.headers.get("content-type")]).toEqual([
      403,
      expect.stringContaining("application/json"),
    ]);
    expect(denied.headers.get("x-ipe-reason")).toBe("default");
    expect(JSON.parse(denied.body)).toEqual({
      message: "default",
      decision_id: denied.headers.get("x-ipe-decision"),
    });
  });

  test("client copies of a settable header never pass, in any spelling", async () => {
    await gateway.load({ bundle: ADMINS });
    const forged = ["x-checked: a", "X_Checked: b", "X-CHECKED: c"];
    expect(checked(await ask(gateway, "x-role: admin", ...forged))).toEqual(["x-checked: yes"]);
    expect((await ask(gateway, ...forged)).status).toBe(403);
  });

  test("permissive lets pass, and strips", async () => {
    await gateway.load({ bundle: ADMINS, mode: "permissive" });
    expect(checked(await ask(gateway, "x-role: guest", "x-checked: forged"))).toEqual([]);
  });

  test.each([
    ["no bundle", {}, "exactly one of"],
    ["base64 of something else", { bundle: "aGVsbG8=" }, "this is no bundle"],
    ["a file that is not there", { bundle_path: "/nowhere" }, "No such file or directory"],
    ["a bundle that reads what Kong never tells", { bundle: PRINCIPALS }, "check --target kong"],
    ["an unknown field", { bundle: ADMINS, bundel: "x" }, "unknown field"],
  ])("%s is refused with the reason, and the configuration before stays", async (_, plugin, problem) => {
    expect(await gateway.load({ bundle: OTHERS })).toBe(null);
    expect(await gateway.load(plugin)).toContain(problem);
    expect(echoed(await ask(gateway, "x-role: guest"))).not.toBe(null);
  });

  describe("vectors", () => {
    const counts = new Counts();
    afterAll(() => console.log(`kong-image: ${counts.summary()}`));

    test.each(vectors.map((vector) => [vector.name, vector] as const))("%s", async (_, vector) => {
      const run = { runtime: kongImage(gateway), known: [], counts };
      expect(await failuresOf(vector, run)).toEqual([]);
    });
  });
}

describe("a real nginx in Kong's place", () => holds(startNginxAsKong));

if (IMAGE === "") {
  console.log(`test/e2e/kong-image.test.ts: ${SKIPPED}`);
  test.skip(SKIPPED, () => undefined); // Kong's image is not to be had everywhere; KONG_IMAGE names one.
} else
  describe(IMAGE, () => {
    const bytes = (bundle: string): Uint8Array => Buffer.from(bundle, "base64");

    holds(() => startKong(IMAGE, { plugin: { bundle: OTHERS } }));

    test.each([
      ["no bundle", Buffer.from("hello".repeat(100)), "this is no bundle"],
      ["half a bundle", bytes(ADMINS).subarray(0, 300), "refused"],
      ["a bundle that reads what Kong never tells", bytes(PRINCIPALS), "check --target kong"],
    ])("it does not start with %s, and says why", async (_, content, problem) => {
      const options = { plugin: { bundle_path: BUNDLE }, files: { [BUNDLE]: content } };
      const refused = startKong(IMAGE, options).then(
        async (kong) => {
          await kong.stop();
          return "it started";
        },
        (error: Error) => error.message,
      );
      expect(await refused).toContain(problem);
    });

    describe("a bundle in a file", () => {
      let kong: StartedKong;
      beforeAll(async () => {
        kong = await startKong(IMAGE, {
          plugin: { bundle_path: BUNDLE },
          files: { [BUNDLE]: bytes(ADMINS) },
        });
      });
      afterAll(() => kong?.stop());

      test("log plugins say what was decided, with the id that the client was told", async () => {
        const denied = await ask(kong, "x-role: guest");
        const id = denied.headers.get("x-ipe-decision")!;
        // nginx' $request_id, from Kong 3.5 on a header of its own.
        expect(denied.headers.get("x-kong-request-id")).toBe(id);
        const deadline = Date.now() + LOGGED_MS;
        while (!kong.logs().includes(`"decision_id":"${id}"`) && Date.now() < deadline) await sleep(50);
        const line = kong
          .logs()
          .split("\n")
          .find((each) => each.startsWith("{") && each.includes(id));
        expect(JSON.parse(line ?? "{}")).toMatchObject({
          ipe: { decision: "deny", decision_id: id, policy: "", reason: "default", mode: "enforce" },
        });
      });

      test("another one at the same path is in force once Kong loads its configuration again", async () => {
        await kong.write(BUNDLE, bytes(OTHERS));
        expect((await ask(kong, "x-role: guest")).status).toBe(403);
        expect(await kong.load({ bundle_path: BUNDLE })).toBe(null);
        expect(echoed(await ask(kong, "x-role: guest"))).not.toBe(null);
      });
    });
  });

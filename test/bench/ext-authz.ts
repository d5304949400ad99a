/** The gRPC server beside the same server that answers a constant: what the policy adds to a call. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { type CheckRequest, type CheckResponse, loadServices } from "../../proto/index.ts";
import { inTurns, line, median, time } from "./rounds.ts";
import { ALLOWED_BODY, ALLOWED_HEADERS } from "./seed.ts";

const ROUNDS = 9;
const CALLS = 6_000;
const AT_ONCE = 32;

interface Measured {
  readonly callsPerSecond: number;
  /** Of the server's process. */
  readonly cpuNsPerCall: number;
}

export async function benchExtAuthz(): Promise<void> {
  const policy = await startChild("policy");
  const constant = await startChild("constant");
  try {
    const seen: Record<"policy" | "constant", Measured[]> = { policy: [], constant: [] };
    const measure = (name: "policy" | "constant", child: Child) => async (): Promise<number> => {
      const measured = await round(child);
      seen[name].push(measured);
      return measured.cpuNsPerCall;
    };
    await round(policy);
    await round(constant);
    const cpu = await inTurns(
      { policy: measure("policy", policy), constant: measure("constant", constant) },
      ROUNDS,
    );
    const rate = (name: "policy" | "constant"): number => median(seen[name].map((m) => m.callsPerSecond));
    line(
      "ext_authz, seed policy with body: CPU of the server a call",
      time(cpu.policy),
      `${(cpu.policy / cpu.constant).toFixed(3)} x the constant answer`,
    );
    line("ext_authz, constant answer: CPU of the server a call", time(cpu.constant));
    line(
      "ext_authz, seed policy: calls a second, one core",
      rate("policy").toFixed(0),
      `${(rate("policy") / rate("constant")).toFixed(3)} x the constant answer`,
    );
    line("ext_authz, constant answer: calls a second, one core", rate("constant").toFixed(0));
  } finally {
    policy.process.kill("SIGTERM");
    constant.process.kill("SIGTERM");
  }
}

interface Child {
  readonly process: ChildProcess;
  check(request: CheckRequest): Promise<CheckResponse>;
}

async function startChild(mode: "policy" | "constant"): Promise<Child> {
  const process = fork(fileURLToPath(new URL("./ext-authz-server.ts", import.meta.url)), [mode]);
  const [message] = (await once(process, "message")) as [{ port: number }];
  const Client = makeGenericClientConstructor(loadServices().authorization, "Authorization");
  const client = new Client(`127.0.0.1:${message.port}`, credentials.createInsecure());
  const check = (request: CheckRequest): Promise<CheckResponse> =>
    new Promise((resolve, reject) => {
      client.Check!(request, (problem: Error | null, response: CheckResponse) =>
        problem === null ? resolve(response) : reject(problem),
      );
    });
  return { process, check };
}

async function round(child: Child): Promise<Measured> {
  const before = await cpuOf(child);
  const start = process.hrtime.bigint();
  let left = CALLS;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await child.check(REQUEST);
      if (response.status?.code !== undefined && response.status.code !== 0)
        throw new Error("the request of the measurement is denied");
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { callsPerSecond: CALLS / seconds, cpuNsPerCall: ((await cpuOf(child)) - before) / CALLS };
}

/** User and system time of the child so far, in nanoseconds. */
async function cpuOf(child: Child): Promise<number> {
  const answer = once(child.process, "message");
  child.process.send("cpu");
  const [message] = (await answer) as [{ cpuNs: number }];
  return message.cpuNs;
}

/** What Envoy sends for the seed's request, with `encode_raw_headers` and `pack_as_bytes`. */
const REQUEST = {
  attributes: {
    source: { address: { socket_address: { address: "10.1.2.3", port_value: 40_000 } } },
    destination: { address: { socket_address: { address: "10.1.2.4", port_value: 443 } } },
    request: {
      http: {
        id: "1",
        method: "POST",
        path: "/deployments",
        host: "deploy.example.com",
        scheme: "http",
        protocol: "HTTP/1.1",
        size: ALLOWED_BODY.length,
        header_map: {
          headers: [
            ...[
              [":method", "POST"],
              [":path", "/deployments"],
              [":authority", "deploy.example.com"],
              [":scheme", "http"],
              ["content-length", String(ALLOWED_BODY.length)],
              ["x-request-id", "6f1b"],
              ["x-forwarded-proto", "http"],
            ],
            ...ALLOWED_HEADERS.map(({ name, value }) => [name, String(value)]),
          ].map(([key, value]) => ({ key: key!, raw_value: Buffer.from(value!) })),
        },
        raw_body: Buffer.from(ALLOWED_BODY),
      },
    },
  },
} as unknown as CheckRequest;

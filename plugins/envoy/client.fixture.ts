import { type Client, credentials, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import {
  type CheckRequest,
  type CheckResponse,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HttpRequest,
  loadServices,
} from "../../proto/index.ts";

export const services = loadServices();

const AuthorizationClient = makeClientConstructor(services.authorization, "Authorization");
const HealthClient = makeClientConstructor(services.health, "Health");

export interface TestClient {
  check(request: CheckRequest): Promise<CheckResponse>;
  /** Send bytes as they are. */
  checkBytes(bytes: Buffer): Promise<CheckResponse>;
  health(service?: string): Promise<HealthCheckResponse>;
  /** The statuses that a watcher is told, until the server ends the stream. */
  watch(service?: string): { first: Promise<void>; all: Promise<readonly (number | undefined)[]> };
  close(): void;
}

export function testClient(address: string): TestClient {
  // A deadline, so that a call that is never answered fails its test instead of hanging.
  const deadline = (): { deadline: number } => ({ deadline: Date.now() + 20_000 });
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.max_send_message_length": -1 };
  const authorization = new AuthorizationClient(address, credentials.createInsecure(), options);
  const health = new HealthClient(address, credentials.createInsecure(), options);
  const { Check } = services.authorization;
  const call = <Request, Response>(
    client: Client,
    path: string,
    encode: (request: Request) => Buffer,
    decode: (bytes: Buffer) => Response,
    request: Request,
  ): Promise<Response> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, response?: Response): void => {
        if (error !== null || response === undefined) reject(error ?? new Error("no response"));
        else resolve(response);
      };
      client.makeUnaryRequest(path, encode, decode, request, deadline(), done);
    });
  return {
    check: (request) =>
      call(authorization, Check.path, Check.requestSerialize, Check.responseDeserialize, request),
    checkBytes: (bytes) => call(authorization, Check.path, (sent) => sent, Check.responseDeserialize, bytes),
    health: (service = "") => {
      const method = services.health.Check;
      const request: HealthCheckRequest = { service };
      return call(health, method.path, method.requestSerialize, method.responseDeserialize, request);
    },
    watch: (service = "") => {
      const method = services.health.Watch;
      const stream = health.makeServerStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        { service },
        deadline(),
      );
      const statuses: (number | undefined)[] = [];
      const first = new Promise<void>((resolve) => stream.once("data", () => resolve()));
      const all = new Promise<readonly (number | undefined)[]>((resolve, reject) => {
        stream.on("data", (response: HealthCheckResponse) => statuses.push(response.status));
        stream.once("end", () => resolve(statuses));
        stream.once("error", reject);
      });
      return { first, all };
    },
    close() {
      authorization.close();
      health.close();
    },
  };
}

/** A check for an HTTP request. */
export function checkOf(http: HttpRequest): CheckRequest {
  return { attributes: { request: { http } } };
}

import { fileURLToPath } from "node:url";
import { loadSync, type MethodDefinition, type Options } from "@grpc/proto-loader";
import type { CheckRequest, CheckResponse, HealthCheckRequest, HealthCheckResponse } from "./messages.ts";

export * from "./messages.ts";
export { type Json, struct } from "./struct.ts";

// Type aliases, not interfaces: only aliases fit the index signature of grpc-js' ServiceDefinition.
export type AuthorizationService = {
  readonly Check: MethodDefinition<CheckRequest, CheckResponse>;
};

export type HealthService = {
  readonly Check: MethodDefinition<HealthCheckRequest, HealthCheckResponse>;
  readonly Watch: MethodDefinition<HealthCheckRequest, HealthCheckResponse>;
};

/** For `server.addService` and `makeClientConstructor` of grpc-js. */
export interface Services {
  /** `envoy.service.auth.v3.Authorization`. */
  readonly authorization: AuthorizationService;
  /** `grpc.health.v1.Health`. */
  readonly health: HealthService;
}

/** The folder that the .proto files are relative to. */
export const protoFolder = fileURLToPath(new URL(".", import.meta.url));

/** Every .proto file that a service needs directly; they import the others. */
export const protoFiles = [
  "envoy/service/auth/v3/external_auth.proto",
  "grpc/health/v1/health.proto",
] as const;

/**
 * How messages look in JavaScript; `messages.ts` is written for exactly this.
 * - names as in the .proto files;
 * - int64 as Number: sizes and seconds are far below 2^53;
 * - enums as numbers and bytes as Buffer (the loader's defaults), which cost nothing to make;
 * - no defaults: a message that was not sent stays missing, and the decoder does not fill in what nobody reads.
 */
const options: Options = {
  keepCase: true,
  longs: Number,
  defaults: false,
  arrays: false,
  objects: false,
  oneofs: false,
  includeDirs: [protoFolder],
};

/**
 * The services, read from the .proto files beside this module. The codecs are compiled before this returns, so that
 * the first request is as fast as the second. Takes about 30 ms: call it once, at start.
 */
export function loadServices(): Services {
  const definitions = loadSync([...protoFiles], options);
  const authorization = definitions["envoy.service.auth.v3.Authorization"] as unknown as AuthorizationService;
  const health = definitions["grpc.health.v1.Health"] as unknown as HealthService;
  compileCodecs(authorization, health);
  return { authorization, health };
}

/** protobufjs writes the code of a message's codec when it is first used: use each once. */
function compileCodecs(authorization: AuthorizationService, health: HealthService): void {
  const header = { key: "x", raw_value: Buffer.of(1) };
  const option = { header, append: { value: false }, append_action: 0 } as const;
  const peer = { address: { socket_address: { port_value: 1 }, pipe: {}, envoy_internal_address: {} } };
  const { Check } = authorization;
  Check.requestDeserialize(
    Check.requestSerialize({
      attributes: {
        source: peer,
        request: { time: { seconds: 1 }, http: { headers: { a: "b" }, header_map: { headers: [header] } } },
        context_extensions: { a: "b" },
        tls_session: {},
      },
    }),
  );
  const answer = {
    status: {},
    dynamic_metadata: { fields: { a: { listValue: { values: [{ nullValue: 0 }] } } } },
  } as const;
  for (const response of [
    { ...answer, ok_response: { headers: [option], headers_to_remove: ["x"] } },
    { ...answer, denied_response: { status: { code: 403 }, headers: [option] } },
  ]) {
    Check.responseDeserialize(Check.responseSerialize(response));
  }
  health.Check.requestDeserialize(health.Check.requestSerialize({}));
  health.Check.responseDeserialize(health.Check.responseSerialize({}));
}

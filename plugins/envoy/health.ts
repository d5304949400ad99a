import {
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  HEALTH_NOT_SERVING,
  HEALTH_SERVICE_UNKNOWN,
  HEALTH_SERVING,
  type HealthCheckRequest,
  type HealthCheckResponse,
} from "../../proto/messages.ts";

/** Names that can be asked for: the server as a whole, and its service. */
const SERVICES = new Set(["", "envoy.service.auth.v3.Authorization"]);

type Watcher = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/** `grpc.health.v1.Health`: SERVING until `leave`, then NOT_SERVING. */
export interface Health {
  readonly implementation: UntypedServiceImplementation;
  /** Say NOT_SERVING from now on, and to watchers at once. */
  leave(): void;
  /** Also end the streams of watchers, which would keep the server from closing. */
  drain(): void;
}

export function createHealth(): Health {
  const watchers = new Set<Watcher>();
  let serving = true;
  let draining = false;
  const present = (): HealthCheckResponse => ({ status: serving ? HEALTH_SERVING : HEALTH_NOT_SERVING });
  const check = (
    call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
    answer: sendUnaryData<HealthCheckResponse>,
  ): void => {
    if (SERVICES.has(call.request.service ?? "")) answer(null, present());
    else answer({ code: status.NOT_FOUND, details: "unknown service" });
  };
  const watch = (call: Watcher): void => {
    call.write(SERVICES.has(call.request.service ?? "") ? present() : { status: HEALTH_SERVICE_UNKNOWN });
    if (draining) {
      call.end();
      return;
    }
    watchers.add(call);
    call.on("cancelled", () => watchers.delete(call));
    call.on("close", () => watchers.delete(call));
  };
  const leave = (): void => {
    if (!serving) return;
    serving = false;
    for (const watcher of watchers) if (SERVICES.has(watcher.request.service ?? "")) watcher.write(present());
  };
  return {
    implementation: { Check: check, Watch: watch },
    leave,
    drain() {
      leave();
      draining = true;
      for (const watcher of watchers) watcher.end();
      watchers.clear();
    },
  };
}

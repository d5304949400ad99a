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

/** `grpc.health.v1.Health`: SERVING until `drain`, then NOT_SERVING. */
export interface Health {
  readonly implementation: UntypedServiceImplementation;
  /** Tell watchers and end their streams, which would keep the server from closing. */
  drain(): void;
}

export function createHealth(): Health {
  const watchers = new Set<Watcher>();
  let serving = true;
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
    if (!serving) {
      call.end();
      return;
    }
    watchers.add(call);
    call.on("cancelled", () => watchers.delete(call));
    call.on("close", () => watchers.delete(call));
  };
  return {
    implementation: { Check: check, Watch: watch },
    drain() {
      serving = false;
      for (const watcher of watchers) {
        if (SERVICES.has(watcher.request.service ?? "")) watcher.write(present());
        watcher.end();
      }
      watchers.clear();
    },
  };
}

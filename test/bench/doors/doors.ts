/** The doors that are measured. */
import type { Buffer } from "node:buffer";
import type { CheckResponse } from "../../../proto/index.ts";
import { CHECK, ENVOY, EVALUATIONS, NGINX, NGINX_ONCE, ONE, SEVERAL } from "./asked.ts";
import { connectGrpc } from "./grpc-load.ts";
import { connectHttp, type HttpAnswer, reconnectHttp } from "./http-load.ts";
import type { Connection } from "./load.ts";
import type { SERVE } from "./servers.ts";

export interface Door<A> {
  readonly name: string;
  readonly serve: keyof typeof SERVE;
  /** Decisions for one request. */
  readonly checks: number;
  connect(port: number): Promise<Connection<A>>;
  /** Throws where the answer is not that the request may pass. */
  sound(answer: A): void;
}

export const GRPC: readonly Door<CheckResponse>[] = [
  extAuthz("ext_authz over gRPC, one connection", { shared: true }),
  extAuthz("ext_authz over gRPC", { shared: false }),
];

export interface HttpDoor extends Door<HttpAnswer> {
  readonly message: Buffer;
}

export const HTTP: readonly HttpDoor[] = [
  forwardAuth("forward-auth, Envoy", ENVOY),
  forwardAuth("forward-auth, nginx", NGINX),
  {
    ...forwardAuth("forward-auth, nginx, a connection for each", NGINX_ONCE),
    connect: async (port) => reconnectHttp(port, NGINX_ONCE),
  },
  authzen("AuthZEN, one evaluation", ONE, 1),
  authzen(`AuthZEN, one of ${EVALUATIONS} evaluations`, SEVERAL, EVALUATIONS),
];

function extAuthz(name: string, way: { readonly shared: boolean }): Door<CheckResponse> {
  return {
    ...{ name, serve: "grpc", checks: 1 },
    connect: async (port) => connectGrpc(port, CHECK, way),
    sound({ status, ok_response }) {
      if ((status?.code ?? 0) !== 0 || ok_response === undefined) throw new Error("the check is denied");
    },
  };
}

function forwardAuth(name: string, message: Buffer): HttpDoor {
  return {
    ...{ name, serve: "http", checks: 1, message },
    connect: (port) => connectHttp(port, message),
    sound({ status, headers }) {
      if (status !== 200 || headers["x-order-access"] !== "read") throw new Error("the check is denied");
    },
  };
}

function authzen(name: string, message: Buffer, checks: number): HttpDoor {
  return {
    ...{ name, serve: "authzen", checks, message },
    connect: (port) => connectHttp(port, message),
    sound({ status, body }) {
      if (status !== 200 || body.split('"decision":true').length - 1 !== checks)
        throw new Error(`an evaluation is denied: ${body}`);
    },
  };
}

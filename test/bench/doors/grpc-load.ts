import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { type CheckRequest, type CheckResponse, loadServices } from "../../../proto/index.ts";
import type { Connection } from "./load.ts";

const ANSWER_MS = 10_000;
const { authorization } = loadServices();
const Client = makeGenericClientConstructor(authorization, "Authorization");

/** Asks the same again and again, on a connection of its own or on one that all share, as Envoy's worker does. */
export function connectGrpc(
  port: number,
  check: CheckRequest,
  { shared }: { readonly shared: boolean },
): Connection<CheckResponse> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": shared ? 0 : 1,
  });
  return {
    ask: () =>
      new Promise((resolve, reject) => {
        const options = { deadline: Date.now() + ANSWER_MS };
        client["Check"]!(check, options, (problem: Error | null, response: CheckResponse) =>
          problem === null ? resolve(response) : reject(problem),
        );
      }),
    close: () => client.close(),
  };
}

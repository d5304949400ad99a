export { type HostCallTable, hostCallsOf } from "./table.ts";

export { type ConfigOptions, type Door, nginxConf, type Ports } from "./config.ts";
export { environmentOf, type ObtainedNginx, type ObtainOptions, obtainNginx } from "./obtain.ts";
export { type Logged, type Nginx, type Settings, startNginx } from "./process.ts";
export { type Arrived, type Recorder, startRecorder } from "./recorder.ts";

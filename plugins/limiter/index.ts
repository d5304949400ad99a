export {
  createRedisLimiter,
  type LimiterCounter,
  type RedisLimiterOptions,
  type SharedLimiter,
} from "./redis.ts";

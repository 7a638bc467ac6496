// The library's door: everything public is named here. What a program does is what the command line does: read a job file,
// find or start the controller of a state directory, and talk to its API.

export type { Attempt, AttemptEnd, EndCause } from './domain/attempt.ts';
export { DistributoError, ERROR_CODES, type ErrorCode } from './domain/errors.ts';
export type { Event } from './domain/event.ts';
export type { ArraySpec, Executor, Job, RunSpec, Target, Transfer } from './domain/job.ts';
export type { Resources } from './domain/resources.ts';
export type { AttemptState, RunState, TaskState } from './domain/states.ts';
export type {
  ExplainAnswer,
  InstanceAnswer,
  JobAnswer,
  RunAnswer,
  RunDetailAnswer,
  TaskAnswer,
  TaskDetailAnswer,
} from './engine/engine-api.ts';
export { type ApiClient, createApiClient } from './shells/api/client.ts';
export { chooseTarget, type TargetChoice } from './shells/compose.ts';
export { loadConfiguration } from './shells/configuration/load-configuration.ts';
export { findController, startController } from './shells/controller/start-controller.ts';
export { jobFileSchema } from './shells/job-file/job-file-schema.ts';
export { jobFileError, parseJobFile, type RunDraft } from './shells/job-file/parse-job-file.ts';
export { uploadItems } from './shells/job-file/upload-items.ts';

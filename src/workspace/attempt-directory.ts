// Where an attempt's files lie below the state directory. Only names; nothing is made or removed here.

import { join } from 'node:path';

/** The folder of one attempt: `attempts/<all but the last two characters>/<id>`: at most 1,296 a folder. */
export const attemptDirectory = (stateDirectory: string, attemptId: string): string =>
  join(stateDirectory, 'attempts', attemptId.slice(0, -2), attemptId);

export const attemptsRoot = (stateDirectory: string): string => join(stateDirectory, 'attempts');

/** The captured output (see capped-log.ts). */
export const logDirectory = (stateDirectory: string, attemptId: string): string =>
  join(attemptDirectory(stateDirectory, attemptId), 'log');

/** The process runtime's workspace. */
export const workspaceDirectory = (stateDirectory: string, attemptId: string): string =>
  join(attemptDirectory(stateDirectory, attemptId), 'workspace');

/** Where it is, the attempt's volume was left on its engine on purpose; once it is gone the volume goes too. */
export const keptVolumeMark = (stateDirectory: string, attemptId: string): string =>
  join(attemptDirectory(stateDirectory, attemptId), 'volume-kept');

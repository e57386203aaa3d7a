/**
 * `npm test`: sets up what is missing, then runs every kind of test and sums their counts in the last line.
 *
 *     npm test                                   all but the deep ones
 *     npm run test:deep                          the deep ones alone
 *     npm test -- --only jest,pytest             some runners
 *     npm test -- local/cloud/store.test.ts      some files: by their ending the runner is known
 */
import { checkMachine } from "./node-version.mjs";

if (checkMachine()) import("./test-command.mjs");

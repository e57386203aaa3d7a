/**
 * `npm run bench`: runs the named benches (all, if none is named) one after the other and prints their ratios in one
 * table.
 *
 *     npm run bench -- training batch-overhead
 */
import { checkMachine } from "./node-version.mjs";

if (checkMachine()) import("./bench-command.mjs");

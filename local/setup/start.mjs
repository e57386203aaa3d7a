/**
 * `npm start`: sets up what is missing, then hands over to the command line's `start`. Nothing of node_modules is loaded
 * here, because set-up may replace it.
 */
import { checkMachine } from "./node-version.mjs";

if (checkMachine()) import("./start-command.mjs");

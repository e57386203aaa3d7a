/** Where the recorded run and the page made from it lie. */
import { join, resolve } from "node:path";

export const ROOT = resolve(__dirname, "../../..");
export const RECORDING = join(__dirname, "testdata", "full-run.json");
export const PAGE = join(ROOT, "docs", "grants.md");

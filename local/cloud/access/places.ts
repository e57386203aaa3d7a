/** Where the recorded run lies, the page made from it, and what the program declares. */
import { join, resolve } from "node:path";

export const ROOT = resolve(__dirname, "../../..");
export const RECORDING = join(__dirname, "testdata", "full-run.json");
export const INVENTORY = join(ROOT, "stacks", "inventory.full.yaml");
export const PAGE = join(ROOT, "docs", "grants.md");

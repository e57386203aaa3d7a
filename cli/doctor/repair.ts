/** Carries out what a check may mend by itself. */
import { chmodSync, rmSync } from "node:fs";
import { startedAt } from "../../local/process";
import type { Repair } from "./finding";

/** @returns what was done, in words */
export function carryOutRepair(repair: Repair): string {
  switch (repair.do) {
    case "remove":
      rmSync(repair.path, { force: true });
      return `removed ${repair.path}`;
    case "protect":
      chmodSync(repair.path, 0o600);
      return `made ${repair.path} readable by you alone`;
    case "end":
      // Looked at once more: its number may belong to another by now.
      if (startedAt(repair.pid) !== repair.began) return `process ${repair.pid} has ended by itself`;
      process.kill(repair.pid, "SIGTERM");
      return `told process ${repair.pid} to end`;
  }
}

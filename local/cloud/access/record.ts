/** Writes what a lab has decided as the recording that removals.test.ts decides again, and docs/grants.md from it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { composeCloud, PROJECT } from "../compose";
import { cloudFiles } from "../door/client-environment";
import { openPrincipals } from "../door/principals";
import { openTokens } from "../door/tokens";
import { realParts } from "../main";
import type { Decision } from "./access";
import { recordingOf, type Recording } from "./recording";
import { PAGE, RECORDING } from "./places";
import { removalsOf, removalsPage } from "./removals";

/** @param lab folder of a lab whose cloud does not run; tells what was written */
export async function record(lab: string): Promise<string> {
  const recording = await readLab(lab);
  writeFileSync(RECORDING, written(recording));
  const removals = await removalsOf(recording);
  writeFileSync(PAGE, removalsPage(removals));
  const idle = removals.filter(({ breaks }) => breaks.length === 0).length;
  const { grants, decisions } = recording;
  return `${grants.length} grants, ${decisions.length} decisions; ${removals.length} declared, ${idle} of them not needed here\n`;
}

async function readLab(lab: string): Promise<Recording> {
  const files = cloudFiles(lab);
  const log = join(files.cloud, "log", "access.jsonl");
  if (!existsSync(log)) throw new Error(`${log}: not found; expected the log of a lab that has run. npx sparklab up`);
  const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
  const place = { folder: files.cloud, project: PROJECT.id, location: "us-central1" };
  const real = await realParts(place);
  const tokens = await openTokens({ folder: files.credentials, now: () => new Date() });
  const say = (fields: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  const { cloud, close } = await composeCloud({
    ...{ folder: files.cloud, ...real },
    door: new Promise(() => {}),
    principals: (parts) => openPrincipals({ ...parts, tokens, region: place.location }),
    log: { info: say, warn: say, error: say },
  });
  try {
    return await recordingOf(
      cloud,
      lines.map((line) => JSON.parse(line) as Decision),
    );
  } finally {
    await close();
  }
}

/** One line for each grant and decision, so that a change of one shows as that. */
function written({ grants, customRoles, decisions }: Recording): string {
  const list = (lines: readonly object[]) => lines.map((line) => `    ${JSON.stringify(line)}`).join(",\n");
  return `{\n  "grants": [\n${list(grants)}\n  ],\n  "customRoles": ${JSON.stringify(customRoles)},\n  "decisions": [\n${list(decisions)}\n  ]\n}\n`;
}

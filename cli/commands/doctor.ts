/** Looks for what is wrong with this lab and says what mends it; mends with `--fix` what can be mended without loss. */
import type { Context } from "../context";
import { examine } from "../doctor/examine";
import type { Finding } from "../doctor/finding";
import { carryOutRepair } from "../doctor/repair";
import { EXIT } from "../exit-codes";
import { bad, faint, good, table } from "../terminal";

export async function doctor(request: { json: boolean; fix: boolean }, { lab, terminal }: Context): Promise<number> {
  const look = () => examine({ lab, now: new Date() });
  const before = await terminal.wait("Looking", look());
  const fixed = request.fix ? before.flatMap(({ repair }) => (repair ? [carryOutRepair(repair)] : [])) : [];
  const findings = fixed.length > 0 ? await look() : before;
  const isWrong = findings.some(({ status }) => status === "wrong");
  if (request.json) terminal.line(JSON.stringify({ findings, fixed }, null, 2));
  else {
    terminal.line(
      table(
        ["", "check", "found"],
        findings.map(({ status, check, text }) => [MARK[status](status), check, text]),
      ),
    );
    for (const text of fixed) terminal.line(`  ${good(text)}`);
    for (const line of remedies(findings)) terminal.line(line);
  }
  return isWrong ? EXIT.failed : EXIT.done;
}

const MARK: Readonly<Record<Finding["status"], (text: string) => string>> = { good, note: faint, wrong: bad };

function remedies(findings: readonly Finding[]): string[] {
  const open = findings.filter(({ status, fix }) => status !== "good" && fix);
  return open.length === 0
    ? []
    : [
        "",
        ...open.map(
          ({ check, fix, repair }) =>
            `  ${check}: ${fix}${repair && !fix?.endsWith("--fix") ? faint("  (or --fix)") : ""}`,
        ),
      ];
}

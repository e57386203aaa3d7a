/**
 * The lab's own program as a person runs it, with the least and with all of its features: seconds of each command from
 * start to end, what grows with the number of resources, and the memory of host and cloud. No job is run.
 */
import { resolve } from "node:path";
import { clientEnvironment } from "../cloud/door/client-environment";
import { deploy } from "../deploy";
import { cloudMegabytes, printRows, withTemporaryLab, type TemporaryLab } from "./temporary-lab";

const GOALS = { preview: 5, up: 10, "second up": 4, destroy: 6 };

interface Measured {
  resources: number;
  seconds: Record<keyof typeof GOALS | "refresh", number>;
}

async function main(): Promise<void> {
  await withTemporaryLab(async (lab) => {
    // Brings the cloud up, and fills the caches of what is bundled and translated.
    await lab.sparklab("preview");
    const least = await measure(lab, "minimal");
    const full = await measure(lab, "full");
    const memory = [
      { what: "full: largest memory of the host", ours: await hostMegabytes(lab.folder), unit: "MB" },
      { what: "full: memory of the cloud afterwards", ours: cloudMegabytes(lab.folder), unit: "MB" },
    ];
    printRows([...rowsOf("minimal", least), ...rowsOf("full", full), growth(least, full), ...memory]);
  });
}

async function measure(lab: TemporaryLab, profile: string): Promise<Measured> {
  const config = ["--config", `sparklab:profile=${profile}`];
  const run = async (name: string, ...words: string[]) => {
    const { output, seconds } = await lab.sparklab(...words, "--json");
    const { counts, durations } = JSON.parse(output) as { counts: Record<string, number>; durations: object };
    process.stderr.write(
      `   ${profile}, ${name}: ${seconds.toFixed(2)} s ${JSON.stringify({ ...counts, ...durations })}\n`,
    );
    return { seconds, counts };
  };
  const preview = await run("preview", "preview", ...config);
  const up = await run("up", "up", "--yes", ...config);
  const second = await run("second up", "up", "--yes", "--expect-no-changes", ...config);
  const refresh = await run("refresh", "refresh", "--yes", "--expect-no-changes");
  const destroy = await run("destroy", "destroy", "--yes");
  return {
    resources: up.counts.create ?? 0,
    seconds: {
      preview: preview.seconds,
      up: up.seconds,
      "second up": second.seconds,
      refresh: refresh.seconds,
      destroy: destroy.seconds,
    },
  };
}

function rowsOf(profile: string, { resources, seconds }: Measured): object[] {
  return Object.entries(seconds).map(([name, ours]) => {
    const atMost = profile === "full" ? GOALS[name as keyof typeof GOALS] : undefined;
    return {
      what: `${profile}: ${name}, ${resources} resources`,
      ...{ ours, unit: "s" },
      ...(atMost && { goal: { atMost } }),
    };
  });
}

/** At most in step with the resources. */
function growth(least: Measured, full: Measured): object {
  return {
    what: `up: growth from ${least.resources} to ${full.resources} resources`,
    ...{ ours: full.seconds.up, other: least.seconds.up, unit: "s" },
    goal: { atMost: full.resources / least.resources },
  };
}

/** The host's own, in this process; its program and policy packs are processes of their own. */
async function hostMegabytes(lab: string): Promise<number> {
  const environment = { ...process.env, ...clientEnvironment(lab) };
  const program = resolve(__dirname, "..", "..");
  await deploy({ operation: "preview", program, stack: "local", lab, environment });
  return process.resourceUsage().maxRSS / 1024;
}

void main();

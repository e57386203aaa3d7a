/** A lineage as an indented tree for a person. Pure. */
import { bad, faint, good, heading } from "../terminal";
import type { BatchFact, CommitFact, DataFact, Lineage, ModelFact, StackFact } from "./chain";

interface Node {
  text: string;
  below: Node[];
}

export function lineageTree(lineage: Lineage): string {
  const { asked, prediction, scored, scoring, models } = lineage;
  const title = heading(`${asked.kind} ${asked.id}`);
  const made = models.map(modelNode);
  if (asked.kind === "model")
    return drawn({ ...made[0]!, text: `${title}  ${made[0]!.text.replace(/^\S+ \S+ */, "")}` });
  const says = prediction
    ? `${prediction.prediction === 1 ? "leaves" : "stays"}, probability of leaving ${prediction.probability.toFixed(4)}  ${faint(`run ${prediction.pipelineId}, ${prediction.at}`)}`
    : scored
      ? `${scored.rows} customers scored`
      : "nobody scored";
  const batch = scoring ? [batchNode("scored by", scoring)] : [];
  return drawn({ text: `${title}  ${says}`, below: [...batch, ...made] });
}

function modelNode(model: ModelFact): Node {
  const { version, operation, uri, registered, batch, pipelineJob } = model;
  return {
    text: `model ${version}  ${faint(`${operation}, ${uri}`)}`,
    below: [
      ...(registered ? [{ text: `registered as ${registered}`, below: [] }] : []),
      ...(batch ? [batchNode("made by", batch)] : []),
      dataNode(model.data),
      pipelineJob
        ? {
            text: `pipeline job ${idOf(pipelineJob.name)}  ${state(pipelineJob.state)}  ${faint(pipelineJob.createTime)}`,
            below: [],
          }
        : { text: faint("no pipeline job: the batches were submitted one by one"), below: [] },
      stackNode(model.stack, model.commit),
    ],
  };
}

function batchNode(role: string, { id, state: ended, createTime, runtime, serviceAccount }: BatchFact): Node {
  const told = ended
    ? `${state(ended)}  ${faint([createTime, `runtime ${runtime}`, serviceAccount].filter(Boolean).join(", "))}`
    : faint("deleted since");
  return { text: `${role} batch ${id}  ${told}`, below: [] };
}

function dataNode({ uri, md5, now }: DataFact): Node {
  const text = `data ${uri}  ${md5 ? `md5 ${md5}` : faint("hash not recorded")}`;
  if (!now) return { text: `${text}  ${bad("the object is no longer there")}`, below: [] };
  if (md5 === null) return { text, below: [] };
  const same = now.md5 === md5;
  const told = same ? good("unchanged") : bad(`has changed since: now md5 ${now.md5}`);
  return { text: `${text}  ${told}  ${faint(`generation ${now.generation}`)}`, below: [] };
}

function stackNode({ name, now }: StackFact, commit: CommitFact): Node {
  const recorded = commit.hash === null ? null : `${commit.hash}${commit.dirty ? "-dirty" : ""}`;
  const moved = recorded !== null && now.commit !== recorded;
  const state = `state ${now.digest.slice(0, 12)} of ${now.writtenAt}, ${now.resources} resources`;
  const told = moved ? bad(`deployed from ${now.commit} since`) : "";
  return {
    text: `stack ${name ?? faint("not recorded")}  ${faint(state)}  ${told}`.trimEnd(),
    below: [commitNode(commit)],
  };
}

function commitNode({ hash, dirty, subject = "", at = "", untold }: CommitFact): Node {
  if (hash === null)
    return { text: faint("commit not recorded: no git, or no checkout, where it was deployed from"), below: [] };
  const unclean = dirty ? `  ${bad("dirty: deployed files differed from it")}` : "";
  const told = untold ? faint(untold) : `${subject}  ${faint(at)}`;
  return { text: `commit ${hash}  ${told}${unclean}`, below: [] };
}

const state = (text: string) => (/SUCCEEDED$/.test(text) ? good(text) : /FAILED|CANCEL/.test(text) ? bad(text) : text);
const idOf = (name: string) => name.split("/").at(-1) ?? name;

function drawn(node: Node, indent = ""): string {
  const lines = node.below.map((child, at) => {
    const isLast = at === node.below.length - 1;
    const rest = drawn(child, `${indent}${isLast ? "   " : "│  "}`);
    return `\n${indent}${isLast ? "└─ " : "├─ "}${rest}`;
  });
  return node.text + lines.join("");
}

/** The dependency graph of a stack's state as DOT or Mermaid: who stands on whom, and why. */
import { nameOf, type Resource } from "./deployment-state";

interface Node {
  id: string;
  label: readonly [type: string, name: string];
}
interface Edge {
  from: string;
  to: string;
  /** Properties through which it depends; none for `dependsOn` alone. */
  why: string;
}

/** Providers are left out: everything depends on them. */
export function graphOf(resources: readonly Resource[]): { nodes: Node[]; edges: Edge[] } {
  const shown = resources.filter(({ type }) => !type.startsWith("pulumi:"));
  const ids = new Map(shown.map(({ urn }, index) => [urn, `n${index}`]));
  const nodes = shown.map(({ urn, type }) => ({ id: ids.get(urn)!, label: [type, nameOf(urn)] as const }));
  const edges = shown.flatMap((resource) =>
    [...new Set(resource.dependencies ?? [])].flatMap((urn) => {
      const to = ids.get(urn);
      const through = Object.entries(resource.propertyDependencies ?? {}).filter(([, urns]) => urns?.includes(urn));
      return to
        ? [
            {
              from: ids.get(resource.urn)!,
              to,
              why: through
                .map(([name]) => name)
                .sort()
                .join(", "),
            },
          ]
        : [];
    }),
  );
  return { nodes, edges };
}

/** Source of the language: graphviz.org/doc/info/lang.html. */
export function dot(resources: readonly Resource[]): string {
  const { nodes, edges } = graphOf(resources);
  const quoted = (text: string) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  return [
    "digraph stack {",
    "  rankdir=LR;",
    "  node [shape=box];",
    ...nodes.map(({ id, label }) => `  ${id} [label=${quoted(label.join("\n"))}];`),
    ...edges.map(({ from, to, why }) => `  ${from} -> ${to}${why ? ` [label=${quoted(why)}]` : ""};`),
    "}\n",
  ].join("\n");
}

/** Source of the language: mermaid.js.org/syntax/flowchart.html. */
export function mermaid(resources: readonly Resource[]): string {
  const { nodes, edges } = graphOf(resources);
  const quoted = (text: string) => `"${text.replaceAll("#", "#35;").replaceAll('"', "#quot;")}"`;
  return [
    "flowchart LR",
    ...nodes.map(({ id, label }) => `  ${id}[${quoted(label.join("<br>"))}]`),
    ...edges.map(({ from, to, why }) => `  ${from} -->${why ? `|${quoted(why)}|` : ""} ${to}`),
    "",
  ].join("\n");
}

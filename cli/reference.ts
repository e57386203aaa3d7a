/** docs/cli.md: every command with its arguments, options and exit codes, made from the command tree. */
import type { Command, Option } from "commander";
import { EXIT_CODES } from "./exit-codes";
import { commandTree } from "./tree";

export function reference(): string {
  const program = commandTree(() => undefined);
  return [
    "# Commands",
    "",
    "Made by `npx sparklab reference > docs/cli.md`; a test holds the two equal.",
    "",
    `\`npx sparklab <command>\`: ${program.description()}. On the stack \`local\` a command works on this machine, on every other through [Pulumi's CLI](https://www.pulumi.com/docs/install/) on Google Cloud; options have Pulumi's names and meaning.`,
    "",
    "## Exit codes",
    "",
    ...rows(
      ["code", "meaning"],
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
    ),
    ...leaves(program).flatMap(({ path, command }) => section(path, command)),
  ].join("\n");
}

/** Commands that do something, in the order of the help. */
export function leaves(command: Command, path: readonly string[] = []): { path: string[]; command: Command }[] {
  const children = command.commands.flatMap((child) => leaves(child, [...path, child.name()]));
  // One that takes arguments does something itself, though there are others below it.
  const isLeaf = children.length === 0 || command.registeredArguments.length > 0;
  return [...(isLeaf ? [{ path: [...path], command }] : []), ...children];
}

function section(path: readonly string[], command: Command): string[] {
  const words = command.registeredArguments.map((argument) => [argument.name(), argument.description]);
  const options = command.options.map((option) => [`\`${option.flags}\``, option.description, defaultOf(option)]);
  return [
    `## ${path.join(" ")}`,
    "",
    `\`npx sparklab ${[...path, command.usage()].join(" ")}\``,
    "",
    sentence(command.description()),
    "",
    ...(words.length > 0 ? rows(["argument", "what"], words) : []),
    ...(options.length > 0 ? rows(["option", "what", "default"], options) : []),
  ];
}

function defaultOf({ defaultValue, defaultValueDescription, required }: Option): string {
  if (defaultValueDescription) return defaultValueDescription;
  return defaultValue === undefined || (!required && defaultValue === false) ? "" : `\`${String(defaultValue)}\``;
}

const sentence = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}.`;

function rows(head: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const row = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row), ""];
}

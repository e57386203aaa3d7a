/** For tests: a command line carried out in this process, with what it printed, noted and asked, without colours. */
import { stripVTControlCharacters } from "node:util";
import { carryOut } from "./carry-out";
import type { Lab } from "./lab";
import { parseWords } from "./parse";
import { problemOf } from "./problems";
import type { Terminal } from "./terminal";

export interface Told {
  code: number;
  out: string;
  notes: string;
  asked: string;
}

/** @param answer what is answered on a terminal; there is none if it is left out */
export async function tell(line: string, lab: Lab, answer?: boolean): Promise<Told> {
  const told = { out: "", notes: "", asked: "" };
  const terminal: Terminal = {
    line: (text = "") => void (told.out += `${stripVTControlCharacters(text)}\n`),
    raw: (text) => void (told.out += text),
    note: (text) => void (told.notes += `${stripVTControlCharacters(text)}\n`),
    isInteractive: answer !== undefined,
    ask: async (question) => ((told.asked += question), answer === true),
    wait: (_, work) => work,
  };
  const parsed = parseWords(line.split(" "));
  if (!("request" in parsed)) return { ...told, notes: parsed.text, code: parsed.exitCode };
  const context = { lab, environment: process.env, words: line.split(" "), terminal };
  const code = await carryOut(parsed.request, context).catch((error: unknown) => {
    const { text, exitCode } = problemOf(error);
    terminal.note(text);
    return exitCode;
  });
  return { code, ...told };
}

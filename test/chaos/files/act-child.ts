/** Operations by a program of its own: `node act-child.ts <list of name, folders and plan id>`. Prints why each failed. */
import { type Begun, operations, Program, reasonIn } from './operations.ts';

async function answer({ name, folders, planId }: Begun): Promise<unknown> {
  try {
    await using program = await Program.open(folders);
    return await program.run(operations.find((operation) => operation.name === name)!.act(program, planId));
  } catch (error) {
    return error;
  }
}

const begun = JSON.parse(process.argv[2] ?? '[]') as Begun[];
const reasons: unknown[] = [];
for (const each of begun) {
  const { code, message } = reasonIn(await answer(each)) ?? {};
  reasons.push({ name: each.name, code, message });
}
process.stdout.write(JSON.stringify(reasons));

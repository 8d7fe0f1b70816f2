/** Reads the database named on the command line, one transaction after the other, until it is killed. */
import Database from 'better-sqlite3';

const database = new Database(process.argv[2], { readonly: true, timeout: 5_000 });
const rows = database.prepare('SELECT sum(length(vector)) FROM vectors').pluck();
const read = database.transaction(() => {
  for (let again = 0; again < 20; again++) rows.get();
});
read();
process.stdout.write('reading');
for (;;) read();

/** Holds the write lock of the database named on the command line until its input ends. */
import Database from 'better-sqlite3';

const database = new Database(process.argv[2]);
database.exec('BEGIN IMMEDIATE');
process.stdout.write('held');
process.stdin.resume().on('end', () => {
  database.exec('ROLLBACK');
  database.close();
});

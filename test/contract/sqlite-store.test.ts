import { openSqliteStore } from '../../collector/store/sqlite.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeStoreContract, type StoreUnderTest } from './store-contract.ts';

describeStoreContract('SQLite', async (): Promise<StoreUnderTest> => {
  const folder = temporaryFolder();
  const open = () => openSqliteStore({ folder: folder.path, mode: 'write' });
  const tested = {
    store: await open(),
    async reopen() {
      await tested.store.close();
      tested.store = await open();
    },
    async close() {
      await tested.store.close();
      folder[Symbol.dispose]();
    },
  };
  return tested;
});

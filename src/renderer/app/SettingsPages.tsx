import { useTranslation } from 'react-i18next'
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components/Tabs'
import { SettingsScreen } from '../features/settings/SettingsScreen.tsx'
import { StaffPage } from '../features/staff/StaffPage.tsx'
import { AboutPage } from '../features/upkeep/AboutPage.tsx'
import { LogPage } from '../features/upkeep/LogPage.tsx'
import { StoragePage } from '../features/upkeep/StoragePage.tsx'

const pages = {
  settings: SettingsScreen,
  staff: StaffPage,
  storage: StoragePage,
  log: LogPage,
  about: AboutPage,
} as const
const names = Object.keys(pages) as (keyof typeof pages)[]

/** The settings, and beside them what staff look after; arrow keys go from one to the next. */
export function SettingsPages() {
  const { t } = useTranslation()
  return (
    <Tabs className="tabs">
      <TabList className="tab-list" aria-label={t('rail.settings')}>
        {names.map((name) => (
          <Tab key={name} id={name} className="tab">
            {t(`upkeep.pages.${name}`)}
          </Tab>
        ))}
      </TabList>
      {names.map((name) => {
        const Page = pages[name]
        return (
          <TabPanel key={name} id={name}>
            <Page />
          </TabPanel>
        )
      })}
    </Tabs>
  )
}

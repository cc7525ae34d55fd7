"""Headless Chromium for pages: what it logged, what it asked for, and where none is installed."""

import json
import shutil
import tempfile
from contextlib import contextmanager

HOSTILE = "<img src=x onerror=alert(1)>"

DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("chromium-browser")
WHY_NOT = None if DRIVER and BROWSER else "needs Chromium and chromedriver (Debian: chromium, chromium-driver)"

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--force-prefers-reduced-motion", "--window-size=1400,1000",
)  # fmt: skip


@contextmanager
def open_browser():
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = BROWSER
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = Chrome(options=options, service=Service(executable_path=DRIVER))
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """One session for many pages."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path):
        """Load a file; keep what the console said and which addresses were asked for."""
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(path.absolute().as_uri())
        return self

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def addresses(self):
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def all(self, selector):
        from selenium.webdriver.common.by import By

        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        (element,) = self.all(selector)
        return element

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def style(self, element, name):
        return self.run("return getComputedStyle(arguments[0]).getPropertyValue(arguments[1])", element, name)

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self):
        return self.driver.switch_to.active_element

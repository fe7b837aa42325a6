/** The page that a shared link opens. */
import { follow } from "../progress_app/shared.js";

follow(document.querySelector("[data-shared-url]"));

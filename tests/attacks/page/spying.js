import { install } from "./spies.js";

install();

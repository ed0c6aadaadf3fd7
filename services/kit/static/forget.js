import { forget } from "./payment_key.js";

// Nobody is signed in on this phone: it pays no more.
forget();

-- expect: decision raw
﻿function schedule()
    return nil
end

using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace StreamingCnn.Cli.Tests.Viewing;

/// <summary>Chromium without a window, driven by its DevTools protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly TemporaryFolder profile = new();
    private readonly Process process;
    private readonly ClientWebSocket socket = new();
    private int last;

    private Browser(Process process) => this.process = process;

    /// <summary>What the page complained of: errors of scripts, requests that failed, and what its policy forbids.</summary>
    public List<string> Complaints { get; } = [];

    /// <summary>Addresses that were asked for.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>Starts it; skips the test where it is not installed.</summary>
    public static async Task<Browser> StartAsync(int width = 1280, int height = 800)
    {
        var program = ((string[])["chromium", "chromium-browser", "google-chrome"])
            .SelectMany(name => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
                .Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        Assert.SkipWhen(program is null, "There is no Chromium on this machine.");
        var start = new ProcessStartInfo(program!) { RedirectStandardError = true, RedirectStandardOutput = true };
        var browser = new Browser(new Process { StartInfo = start });
        foreach (var argument in (string[])[
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio", "--hide-scrollbars",
            "--remote-debugging-port=0", $"--user-data-dir={browser.profile.Path}", $"--window-size={width},{height}", "about:blank"])
        {
            start.ArgumentList.Add(argument);
        }

        browser.process.Start();
        browser.process.BeginErrorReadLine();
        browser.process.BeginOutputReadLine();
        var port = await browser.Port();
        using var client = new HttpClient();
        var pages = JsonNode.Parse(await client.GetStringAsync($"http://127.0.0.1:{port}/json/list"))!.AsArray();
        var page = pages.First(one => (string?)one!["type"] == "page")!;
        await browser.socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), CancellationToken.None);
        foreach (var domain in (string[])["Page", "Runtime", "Log", "Network"])
            await browser.Ask($"{domain}.enable");
        await browser.Resize(width, height);
        return browser;
    }

    public Task Resize(int width, int height, bool isTouched = false) => Ask(
        "Emulation.setDeviceMetricsOverride",
        new { width, height, deviceScaleFactor = 1, mobile = isTouched });

    public Task Open(Uri address) => Ask("Page.navigate", new { url = address.ToString() });

    /// <summary>The value of an expression of JavaScript.</summary>
    public async Task<JsonNode?> Evaluate(string expression)
    {
        var answer = await Ask("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        return answer["exceptionDetails"] is { } wrong ? throw new InvalidOperationException(wrong.ToJsonString()) : answer["result"]!["value"];
    }

    /// <summary>Waits until an expression is true.</summary>
    public async Task Until(string expression)
    {
        var clock = Stopwatch.StartNew();
        // Before the page's scripts have run, what the expression names is not there yet.
        while (!(bool)(await Evaluate($"(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"))!)
        {
            Assert.True(clock.Elapsed < Patience, $"'{expression}' did not become true; complaints: {string.Join("; ", Complaints)}");
            await Task.Delay(50);
        }
    }

    /// <summary>Presses a key.</summary>
    public async Task Press(string key)
    {
        if (key.Length == 1)
            await Ask("Input.dispatchKeyEvent", new { type = "keyDown", key, text = key });
        else
            await Ask("Input.dispatchKeyEvent", new { type = "rawKeyDown", key });
        await Ask("Input.dispatchKeyEvent", new { type = "keyUp", key });
    }

    public Task Point(double x, double y) => Ask("Input.dispatchMouseEvent", new { type = "mouseMoved", x, y });

    public Task Wheel(double x, double y, double deltaY) => Ask("Input.dispatchMouseEvent", new { type = "mouseWheel", x, y, deltaX = 0, deltaY });

    public async Task Drag((double X, double Y) from, (double X, double Y) to)
    {
        await Mouse("mousePressed", from);
        for (var step = 1; step <= 4; step++)
            await Mouse("mouseMoved", (from.X + ((to.X - from.X) * step / 4), from.Y + ((to.Y - from.Y) * step / 4)));
        await Mouse("mouseReleased", to);

        Task Mouse(string type, (double X, double Y) at) =>
            Ask("Input.dispatchMouseEvent", new { type, x = at.X, y = at.Y, button = "left", buttons = 1, clickCount = 1 });
    }

    /// <summary>Two fingers that move apart.</summary>
    public async Task Spread(double x, double y, double from, double to)
    {
        for (var step = 0; step <= 4; step++)
        {
            var distance = from + ((to - from) * step / 4);
            await Ask("Input.dispatchTouchEvent", new
            {
                type = step == 0 ? "touchStart" : "touchMove",
                touchPoints = new[] { new { x = x - distance, y, id = 0 }, new { x = x + distance, y, id = 1 } },
            });
        }

        await Ask("Input.dispatchTouchEvent", new { type = "touchEnd", touchPoints = Array.Empty<object>() });
    }

    /// <summary>The page as a PNG.</summary>
    public async Task<byte[]> Picture() => Convert.FromBase64String((string)(await Ask("Page.captureScreenshot", new { format = "png" }))["data"]!);

    public async ValueTask DisposeAsync()
    {
        socket.Dispose();
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                profile.Dispose();
                return;
            }
            catch (IOException) when (attempt < 20)
            {
                // Its helpers end a moment later.
                await Task.Delay(100);
            }
        }
    }

    private async Task<string> Port()
    {
        var file = profile.File("DevToolsActivePort");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if (File.Exists(file) && await File.ReadAllLinesAsync(file) is [var port, _, ..])
                    return port;
            }
            catch (IOException)
            {
                // It is being written.
            }

            Assert.SkipWhen(process.HasExited, "Chromium does not start on this machine.");
            Assert.True(clock.Elapsed < Patience, "Chromium does not say where it listens.");
            await Task.Delay(50);
        }
    }

    private async Task<JsonNode> Ask(string method, object? arguments = null)
    {
        var number = ++last;
        var question = JsonSerializer.SerializeToUtf8Bytes(new { id = number, method, @params = arguments ?? new { } });
        await socket.SendAsync(question, WebSocketMessageType.Text, true, CancellationToken.None);
        while (true)
        {
            var message = await Receive();
            if ((int?)message["id"] == number)
                return message["error"] is { } error ? throw new InvalidOperationException($"{method}: {error.ToJsonString()}") : message["result"]!;
            Note(message);
        }
    }

    private void Note(JsonNode message)
    {
        var about = message["params"];
        switch ((string?)message["method"])
        {
            case "Runtime.exceptionThrown":
                Complaints.Add(about!["exceptionDetails"]!.ToJsonString());
                break;
            case "Log.entryAdded" when (string?)about!["entry"]!["level"] == "error":
                Complaints.Add(about["entry"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when (string?)about!["type"] == "error":
                Complaints.Add(about["args"]!.ToJsonString());
                break;
            case "Network.requestWillBeSent":
                Requests.Add((string)about!["request"]!["url"]!);
                break;
        }
    }

    private async Task<JsonNode> Receive()
    {
        using var limit = new CancellationTokenSource(Patience);
        using var text = new MemoryStream();
        var buffer = new byte[1 << 16];
        WebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer, limit.Token);
            text.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(Encoding.UTF8.GetString(text.ToArray()))!;
    }
}

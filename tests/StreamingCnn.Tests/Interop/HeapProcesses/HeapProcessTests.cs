using System.Diagnostics;
using StreamingCnn.Interop;

namespace StreamingCnn.Tests.Interop.HeapProcesses;

/// <summary>
/// The laws of the heap in processes of their own: over the C library's allocator, and over others that are put before
/// it. <c>SCNN_ALLOCATORS=all</c> tries a second copy of the library over every allocator, instead of over the C library's alone.
/// </summary>
public sealed class HeapProcessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);
    private static readonly string[] Folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    private static readonly string[] First = [nameof(HeapLaws.A_copy_that_was_first_and_is_unloaded_leaves_the_heap_behind)];
    private static readonly string[] Steps =
    [
        nameof(HeapLaws.Scripts_leave_memory_sound),
        nameof(HeapLaws.Steps_of_both_types_in_both_orders_are_right),
        nameof(HeapLaws.So_are_those_of_four_threads_on_one_trunk),
        nameof(HeapLaws.Tensors_go_from_thread_to_thread),
    ];

    private static readonly string[] Rest = [.. Steps, nameof(HeapLaws.Two_copies_of_the_library_share_one_heap)];

    // A second copy of the library takes longer than all the rest, and has no allocator of its own.
    private static bool AreAllTried => Environment.GetEnvironmentVariable("SCNN_ALLOCATORS") == "all";

    [Theory]
    [InlineData("", "")]
    [InlineData("libjemalloc.so.2", "")]
    [InlineData("libjemalloc.so.2", "system")]
    [InlineData("libtcmalloc_minimal.so.4", "")]
    [InlineData("libmimalloc.so.2", "")]
    public void Steps_are_right_over_any_allocator(string allocator, string heap) =>
        AssertPass(allocator, heap, allocator.Length == 0 || AreAllTried ? Rest : Steps);

    [Theory]
    [InlineData("")]
    [InlineData("libjemalloc.so.2")]
    public void A_heap_outlives_the_copy_that_made_it(string allocator) => AssertPass(allocator, "", First);

    [Fact]
    public void A_process_that_asks_for_times_alone_has_no_heap() =>
        AssertPass("", "", [nameof(HeapLaws.Measuring_the_machine_begins_no_heap)]);

    [Fact]
    public void Slots_that_the_loader_fills_at_once_are_replaced_too()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The heap is for Linux.");
        AssertPass("", "", [nameof(HeapLaws.Steps_of_both_types_in_both_orders_are_right)], ("LD_BIND_NOW", "1"));
    }

    private static void AssertPass(string allocator, string heap, string[] laws, params (string Name, string Value)[] environment)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The heap is for Linux.");
        var library = allocator.Length == 0 ? "" : Folders.Select(folder => Path.Combine(folder, allocator)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(library is null, $"{allocator} is not installed.");
        string[] arguments =
        [
            typeof(HeapLaws).Assembly.Location, "-explicit", "only", "-noColor", "-noLogo",
            .. laws.SelectMany(law => new[] { "-method", $"{typeof(HeapLaws).FullName}.{law}" }),
        ];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LD_PRELOAD"] = library;
        start.Environment[NativeCompatibility.HeapVariable] = heap;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (!process.WaitForExit(Patience))
            process.Kill(entireProcessTree: true);
        var said = output.Result + errors.Result;
        Assert.True(process.ExitCode == 0, said);
        Assert.Contains($"Total: {laws.Length}, Errors: 0, Failed: 0, Skipped: 0", said, StringComparison.Ordinal);
    }
}

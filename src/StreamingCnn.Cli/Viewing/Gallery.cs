namespace StreamingCnn.Cli.Viewing;

/// <summary>
/// The images of a page. Each is opened when somebody looks at it; those looked at last stay open, since a photograph is decoded when it is
/// opened, and held as long as it is. From any thread.
/// </summary>
/// <param name="files">The images.</param>
internal sealed class Gallery(IReadOnlyList<ViewedFile> files) : IDisposable
{
    private const int MostOpen = 3;

    private readonly Lock access = new();
    private readonly LinkedList<Entry> open = new();

    /// <summary>The images.</summary>
    public IReadOnlyList<ViewedFile> Files => files;

    /// <summary>Does something with an image, which stays open meanwhile.</summary>
    /// <param name="number">Its place in <see cref="Files"/>.</param>
    /// <param name="use">What to do.</param>
    /// <exception cref="Imaging.ImageFormatException">A file cannot be read.</exception>
    public T Use<T>(int number, Func<OpenedImage, T> use)
    {
        var entry = Take(number);
        try
        {
            return use(entry.Image.Value);
        }
        finally
        {
            Leave(entry);
        }
    }

    public void Dispose()
    {
        lock (access)
        {
            foreach (var entry in open)
                Close(entry);
            open.Clear();
        }
    }

    private static void Close(Entry entry)
    {
        if (entry.Image.IsValueCreated)
            entry.Image.Value.Dispose();
    }

    private Entry Take(int number)
    {
        lock (access)
        {
            var entry = open.FirstOrDefault(one => one.Number == number);
            if (entry is null)
                entry = new(number, new(() => new OpenedImage(files[number])));
            else
                open.Remove(entry);
            open.AddFirst(entry);
            entry.Users++;
            return entry;
        }
    }

    private void Leave(Entry entry)
    {
        lock (access)
        {
            entry.Users--;
            // What could not be opened is tried again the next time.
            if (!entry.Image.IsValueCreated && entry.Users == 0)
                open.Remove(entry);
            while (open.Count > MostOpen && open.LastOrDefault(one => one.Users == 0) is { } last)
            {
                open.Remove(last);
                Close(last);
            }
        }
    }

    private sealed class Entry(int number, Lazy<OpenedImage> image)
    {
        public int Number => number;

        public Lazy<OpenedImage> Image => image;

        public int Users { get; set; }
    }
}

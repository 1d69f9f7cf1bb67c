namespace StreamingCnn.Docs.Tests.Architecture;

/// <summary>The rooms of a project, storey by storey: each stands above all that it imports.</summary>
internal sealed class RoomLevels
{
    private readonly Dictionary<string, Room> rooms;
    private readonly Dictionary<string, int> levels = [];

    /// <exception cref="InvalidOperationException">Rooms import each other in a circle.</exception>
    public RoomLevels(Project project)
    {
        rooms = project.Rooms.ToDictionary(room => room.Name);
        foreach (var room in project.Rooms)
            LevelOf(room, []);
        // Just below those that import it, as far as that goes: arrows are short then.
        foreach (var room in project.Rooms.OrderByDescending(room => levels[room.Name]))
        {
            var importers = project.Rooms.Where(other => other.Imports.Contains(room.Name)).ToArray();
            if (importers.Length > 0)
                levels[room.Name] = importers.Min(importer => levels[importer.Name]) - 1;
        }

        Levels = [.. project.Rooms.GroupBy(room => levels[room.Name]).OrderBy(level => level.Key).Select(level => level.ToArray())];
    }

    /// <summary>From the lowest on.</summary>
    public IReadOnlyList<Room[]> Levels { get; }

    /// <summary>The rooms that a room imports, without those that it reaches through another of them anyway.</summary>
    public IEnumerable<string> DirectImports(Room room)
    {
        var imports = Inner(room).ToArray();
        return imports.Where(import => !imports.Any(other => other != import && Reaches(other, import)));
    }

    private bool Reaches(string from, string to) => Inner(rooms[from]).Any(import => import == to || Reaches(import, to));

    private IEnumerable<string> Inner(Room room) => room.Imports.Where(rooms.ContainsKey);

    private int LevelOf(Room room, HashSet<string> above)
    {
        if (!above.Add(room.Name))
            throw new InvalidOperationException($"Rooms import each other in a circle: {string.Join(", ", above)}.");
        if (!levels.TryGetValue(room.Name, out var level))
            levels[room.Name] = level = Inner(room).Select(import => LevelOf(rooms[import], above) + 1).DefaultIfEmpty(0).Max();
        above.Remove(room.Name);
        return level;
    }
}
